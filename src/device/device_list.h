// Names of devices: one, or a list over which pages are spread, each with options.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern {

// "ascend:0" or "cpu", followed by options, each after a colon: "ascend:0:type=f16".
struct DeviceName {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
};
// Throws Error for a malformed option.
DeviceName parse_device_name(std::string_view text);

// "ascend:0-2:type=f16,cpu" -> ascend:0:type=f16, ascend:1:type=f16, ascend:2:type=f16, cpu. Throws Error for a
// malformed list, and for one that names a device twice, whatever its options.
std::vector<std::string> parse_device_list(std::string_view text);

// Groups of devices, a model each, of `ranks` ranks: that many devices of the list at a time, joined by commas, or a
// single device that serves all ranks of its group. Throws Error when the list cannot be divided so.
std::vector<std::string> parse_device_groups(std::string_view text, int ranks);
// The device of every rank of a group.
std::vector<std::string> ranks_of(std::string_view group, int ranks);

}  // namespace lectern
