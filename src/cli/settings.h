// The library's messages name settings, as in "use a smaller `mode`"; here they become options of the command line.
#pragma once

#include <string>
#include <string_view>

namespace lectern::cli {

// "use a smaller --mode". What stands in other back quotes is left as it is.
std::string with_options(std::string_view message);

}  // namespace lectern::cli
