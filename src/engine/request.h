// Requests to the engine and its events; both are values.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "engine/guard/guard.h"
#include "engine/sampler.h"
#include "engine/stop_strings.h"
#include "lectern/enums.h"
#include "vision/views.h"

namespace lectern {

struct Request {
  std::vector<int32_t> prompt;  // with the image token once for every row of the image
  int32_t image_token = -1;
  // The image: views that the engine encodes, or rows that were encoded before, f32 [rows, hidden], which the caller
  // keeps until the request has finished. Neither: the prompt is text.
  std::shared_ptr<const Views> views;
  TensorView image;

  int64_t max_tokens = 0;  // at most; 0: as many as the context holds
  Sampling sampling;
  NoRepeatRule no_repeat;
  Guard guard;
  StopStrings stop;
  std::vector<int32_t> forced;  // teacher forcing: fed instead of the chosen tokens, then the request ends. No guard
  std::optional<std::chrono::steady_clock::time_point> deadline;
  bool logits = false;  // return those before every choice
};

using RequestId = uint64_t;  // counts from 1, in the order of add

struct Token {
  int32_t id = 0;
  float log_probability = 0;  // natural; among all tokens, before bans
};

struct RequestEvent {
  enum class Kind : uint8_t {
    started,   // it was admitted: its image is encoded now
    encoded,   // its image is encoded, and its prompt is read now
    written,   // a token was chosen
    loop,      // a loop was cut off
    finished,  // the last event
    failed,    // the last event: it cannot go on, others can
  };
  RequestId request = 0;
  Kind kind = Kind::started;

  double seconds = 0;   // encoded: time of encoding, without other work in between
  int64_t written = 0;  // written: tokens so far; less after a loop
  // written, finished: more tokens that will not be taken back, without the end token. With a guard they come some
  // tokens later than they were chosen or, if the text looks like the beginning of a loop, when that is decided. With
  // forced tokens they are those that would have been chosen.
  std::vector<Token> tokens;
  std::vector<float> logits;  // written, finished: before the choice, where the request asks for them
  LoopReport loop;            // loop
  Finish finish = Finish::end;
  size_t cut_bytes = 0;      // finished by a stop string: so many bytes of the last token belong to it
  std::exception_ptr error;  // failed
};

}  // namespace lectern
