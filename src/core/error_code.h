// Error code of any exception.
#pragma once

#include <exception>
#include <new>

#include "lectern/error.h"

namespace lectern {

inline ErrorCode code_of(const std::exception& error) {
  if (const auto* const known = dynamic_cast<const Error*>(&error)) return known->code();
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? ErrorCode::out_of_memory : ErrorCode::unsupported;
}

}  // namespace lectern
