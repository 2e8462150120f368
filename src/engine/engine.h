// The engine: sequences in flight take every step together. A waiting sequence is admitted when the cache has room
// for all that it may write; prompts are worked off in chunks beside the sequences that already write.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/sampling.h"
#include "language/decoder.h"

namespace lectern {

enum class Finish : uint8_t {
  end,      // the model wrote its end-of-sentence token
  length,   // the token budget was used up
  context,  // the model's context was used up
  stopped,  // the caller asked to stop
};

struct Request {
  std::vector<int32_t> prompt;  // with the image token once for every row of the image
  int32_t image_token = -1;
  TensorView image;        // f32 [rows, hidden]; kept by the caller until the request has finished
  int64_t max_tokens = 0;  // at most; 0: as many as the context holds
  NoRepeatRule no_repeat;
  std::vector<int32_t> forced;  // fed in place of the chosen tokens, one a step; then the request ends
  std::stop_token stop;
  std::function<void(int32_t token)> on_token;                   // a token was chosen; not the one that ends
  std::function<void(std::span<const float> logits)> on_logits;  // before every choice
  std::function<void(Finish)> on_finish;
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
  };
  void admit();
  void embed(Sequence& sequence, int64_t rows, const MutableTensorView& out) const;
  void choose(Sequence& sequence, std::span<const float> logits) const;
  static void finish(Sequence& sequence, Finish reason);

  Device& device_;
  const Decoder& decoder_;
  KvCache cache_;
  std::vector<float> logits_;  // [sequences that choose, vocabulary], of the last step
  std::deque<Request> waiting_;
  std::vector<std::unique_ptr<Sequence>> active_;
};

}  // namespace lectern
