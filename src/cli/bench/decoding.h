// Decoding without pages, to measure it: sequences of arbitrary tokens, and what a step of them takes of a device.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/model_runner.h"
#include "engine/sequence.h"

namespace lectern::cli {

// Sequences that decode together from a given position on.
class Decoding {
 public:
  Decoding(const LoadedModel& model, int sequences, int64_t position);

  // Takes `rows` more tokens of every sequence; one of each as if the model had written it, more as of a prompt.
  void step(int64_t rows);

 private:
  std::unique_ptr<ModelRunner> runner_;
  std::vector<SequencePages> pages_;
  int64_t position_ = 0;
  int64_t prompt_;  // positions that are not written
  int64_t next_ = 1;
};

// Bytes that a step of so many sequences reads on the first device, of all ranks there: weights, and caches that hold
// `positions` of each sequence.
double bytes_of_step(const LoadedModel& model, int sequences, int64_t positions);
// Operations of a token there, of all ranks.
double operations_of_token(const LoadedModel& model);

}  // namespace lectern::cli
