// Check of one page: a device against a reference device, stage by stage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/picture.h"
#include "engine/loaded_model.h"

namespace lectern {

struct StageCheck {
  std::string name;
  double error = 0;  // largest difference over the largest value
};

struct PageCheck {
  std::vector<StageCheck> stages;  // sam, clip, image sequence, logits; tiles where the mode has them
  double max_error = 0;            // that is allowed
  std::string text, reference_text;
  int64_t prompt_tokens = 0, tokens = 0;
  int64_t equal_tokens = 0;  // from the beginning on
  double encode_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  double reference_encode_seconds = 0, reference_prefill_seconds = 0, reference_decode_seconds = 0;
  bool tokens_must_equal = false;  // both compute in f32
  bool passed() const;
};

// Up to `max_tokens` tokens are written. The logits are compared after the reference's tokens, whatever the device
// would have chosen. Throws Error when either fails.
PageCheck check_page(const LoadedModel& model, const LoadedModel& reference, const Picture& picture,
                     int64_t max_tokens);

}  // namespace lectern
