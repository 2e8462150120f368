// A device that is lost: what runs on it cannot go on, but other devices can take over.
#pragma once

#include "lectern/error.h"

namespace lectern {

class DeviceFailure : public Error {
 public:
  explicit DeviceFailure(const std::string& message) : Error(message, ErrorCode::device_lost) {}
};

}  // namespace lectern
