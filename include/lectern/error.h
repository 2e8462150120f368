// The one exception type of Lectern. The message is a single line that names the file or option, the thing
// in it that is wrong, and what was expected or what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace lectern {

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace lectern
