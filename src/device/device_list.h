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

}  // namespace lectern
