// The engine: sequences in flight take every step together. A waiting sequence is admitted when the cache has room
// for all that it may write; prompts are worked off in chunks beside the sequences that already write. A sequence that
// repeats itself is set back to where that began, and goes on with another token.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "engine/guard/guard.h"
#include "engine/sampling.h"
#include "language/decoder.h"

namespace lectern {

enum class Finish : uint8_t {
  end,      // the model wrote its end-of-sentence token
  length,   // the token budget was used up
  context,  // the model's context was used up
  stopped,  // the caller asked to stop
  loop,     // the model repeated itself after every retry; the repetition was dropped
};

// "end", "length", "context", "stopped" or "loop".
std::string_view name_of(Finish finish);

struct Request {
  std::vector<int32_t> prompt;  // with the image token once for every row of the image
  int32_t image_token = -1;
  TensorView image;        // f32 [rows, hidden]; kept by the caller until the request has finished
  int64_t max_tokens = 0;  // at most; 0: as many as the context holds
  NoRepeatRule no_repeat;
  Guard guard;
  std::vector<int32_t> forced;  // fed in place of the chosen tokens, one a step; then the request ends. No guard
  std::stop_token stop;
  // A token was written, and will not be taken back; not the one that ends. With a guard that is known some tokens
  // later, or, where the text looks like the beginning of a loop, when that is decided.
  std::function<void(int32_t token)> on_token;
  std::function<void(int64_t written)> on_step;                  // after every choice: tokens so far; less after a loop
  std::function<void(std::span<const float> logits)> on_logits;  // before every choice
  // Before every choice, and before on_logits: may change the logits of what comes behind the written tokens.
  std::function<void(std::span<const int32_t> written, std::span<float> logits)> change_logits;
  std::function<void(const LoopReport&)> on_loop;
  std::function<void(Finish)> on_finish;  // the last call
};

class Engine {
 public:
  // `decoder` must outlive it. The cache holds `sequences` full contexts.
  Engine(Device& device, const Decoder& decoder, int sequences = 1);

  // Throws Error when the prompt does not fit the context or holds an id outside the vocabulary.
  void add(Request request);

  // One step of every sequence; false when there is none left. Throws Error when the model's output is not a number.
  bool step();

  // Drops every sequence, as is due after an Error; on_finish is not called.
  void clear();

 private:
  struct Sequence {
    Request request;
    SequencePages pages;
    std::vector<int32_t> ids;  // the prompt and what was written
    int64_t done = 0;          // ids in the cache
    int64_t written = 0;
    int64_t budget = 0;
    int64_t image_rows = 0;  // of the image, in the cache
    bool finished = false;
    int64_t settled = 0;  // of the written tokens, reported
    std::optional<SequenceGuard> guard = std::nullopt;

    std::span<const int32_t> text() const { return std::span(ids).subspan(request.prompt.size()); }
  };
  void admit();
  void embed(Sequence& sequence, int64_t rows, const MutableTensorView& out) const;
  void choose(Sequence& sequence, std::span<float> logits) const;
  static bool cut_off(Sequence& sequence, const Loop& loop);
  static void report_settled(Sequence& sequence, int64_t count);
  static void finish(Sequence& sequence, Finish reason);

  Device& device_;
  const Decoder& decoder_;
  KvCache cache_;
  std::vector<float> logits_;  // [sequences that choose, vocabulary], of the last step
  std::deque<Request> waiting_;
  std::vector<std::unique_ptr<Sequence>> active_;
};

}  // namespace lectern
