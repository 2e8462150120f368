// How fast a device writes the text of several pages together.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/picture.h"
#include "engine/loaded_model.h"

namespace lectern {

struct SpeedCheck {
  int sequences = 0;
  int64_t steps = 0;      // that were timed, in each of which every sequence gets a token
  double seconds = 0;     // that they took
  std::string failure{};  // not empty: it could not be run, and why
  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(sequences * steps) / seconds : 0; }
};

// One page, read as many times together as each of `sequences` says: its text, whatever it is, for `steps` tokens
// behind the first ones, which warm up; fewer where they take long. What fails is reported, not thrown; only
// DeviceFailure passes through.
std::vector<SpeedCheck> check_speed(const LoadedModel& model, const Picture& picture, std::span<const int> sequences,
                                    int64_t steps);

}  // namespace lectern
