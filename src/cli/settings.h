// Translation of settings in messages of the library ("use a smaller `mode`") into command line options.
#pragma once

#include <string>
#include <string_view>

namespace lectern::cli {

// "use a smaller --mode". What stands in other back quotes is left as it is.
std::string with_options(std::string_view message);

}  // namespace lectern::cli
