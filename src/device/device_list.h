// How devices are named: one, or several that pages are spread over, each with options.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern {

// "ascend:0" or "cpu", and behind it options, each after a colon: "ascend:0:type=f16".
struct DeviceName {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
};
// Throws Error where something behind the name is no option.
DeviceName parse_device_name(std::string_view text);

// "ascend:0-2:type=f16,cpu" -> ascend:0:type=f16, ascend:1:type=f16, ascend:2:type=f16, cpu. Throws Error for what is
// no such list, or names a device twice, whatever its options.
std::vector<std::string> parse_device_list(std::string_view text);

// Devices for groups of so many ranks, a model each: of the list as many at a time as there are ranks, with commas
// between them, or one by one where one device serves all ranks of a group. Throws Error where that cannot be.
std::vector<std::string> parse_device_groups(std::string_view text, int ranks);
// A group taken apart: the device of every rank.
std::vector<std::string> ranks_of(std::string_view group, int ranks);

}  // namespace lectern
