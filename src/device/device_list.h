// What --device takes: one device, or several that pages are spread over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// "ascend:0-2,cpu" -> ascend:0, ascend:1, ascend:2, cpu. Throws Error for what is no such list, or names a device
// twice.
std::vector<std::string> parse_device_list(std::string_view text);

}  // namespace lectern
