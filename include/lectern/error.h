// The exception of Lectern. Its message is one line: the file or setting, what is wrong with it, and what was expected
// or what to do. Its code tells a caller how to react.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lectern/export.h"

namespace lectern {

enum class ErrorCode : uint8_t {
  invalid_argument,  // an invalid setting, name or value
  not_found,         // a file, model or device that does not exist
  corrupt_input,     // bytes that do not match their format
  unsupported,       // valid, but not supported by this build, device or model
  out_of_memory,     // on the host or a device; less work at a time may succeed
  device_lost,       // the device is unusable; others still work
  io,                // reading, writing or the network failed
  cancelled,         // stopped on request
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
