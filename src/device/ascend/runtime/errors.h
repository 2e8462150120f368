// What CANN's return codes mean.
#pragma once

#include <string>

namespace lectern::ascend {

// "507015 (AI Core exception)"; the number alone when it is not a known one.
std::string describe_code(int code);

}  // namespace lectern::ascend
