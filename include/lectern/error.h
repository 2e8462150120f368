// The exception type of Lectern. The message is a single line that names the file or setting, the thing in it that is
// wrong, and what was expected or what to do; the code is what a caller can act on.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lectern/export.h"

namespace lectern {

enum class ErrorCode : uint8_t {
  invalid_argument,  // a setting, a name or a value that cannot be taken
  not_found,         // a file, model or device that does not exist
  corrupt_input,     // bytes that are not what they claim to be
  unsupported,       // valid, but not handled by this build, device or model
  out_of_memory,     // of the host or of a device; less work at once may succeed
  device_lost,       // the device cannot go on; others can
  io,                // reading, writing or the network failed
  cancelled,         // asked to stop
};

// "out_of_memory"
constexpr std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::corrupt_input: return "corrupt_input";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::device_lost: return "device_lost";
    case ErrorCode::io: return "io";
    case ErrorCode::cancelled: return "cancelled";
  }
  return "";
}

class LECTERN_EXPORT Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorCode code = ErrorCode::invalid_argument)
      : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace lectern
