// Model runner: runs the steps that the scheduler plans, with a model on a device, or in tests with a fake.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "language/decoder.h"
#include "vision/encoder.h"

namespace lectern {

// Encoding of a page's image, piece by piece.
class Encoding {
 public:
  virtual ~Encoding() = default;
  // Encodes the next piece; true if it was the last. `alone`: no sequence waits for this step, so that the piece may be
  // larger; the rows are the same.
  virtual bool advance(bool alone) = 0;
  virtual TensorView rows() const = 0;  // f32 [rows, hidden], after the last piece
};

// Rows of one sequence in a step.
struct BatchEntry {
  std::span<const int32_t> ids;         // of its rows
  int64_t position = 0;                 // of the first
  int64_t prompt = 0;                   // positions of the sequence's prompt
  std::span<const int32_t> pages = {};  // of the cache, for all positions up to the last row's; -1: given back
  bool chooses = false;                 // a token after the last row
  std::vector<int32_t> banned = {};     // not to be chosen; in any order
  bool wants_logits = false;            // of that choice
  int32_t image_token = -1;
  TensorView image = {};  // f32 [rows, hidden]: the embeddings of image tokens among ids, in order; may be too few
};

// Entries with rows that the model wrote come first, those with rows of prompts after them.
struct Batch {
  std::vector<BatchEntry> entries;
  int64_t written = 0;  // rows of the former
};

// The likeliest token after a row that is not banned.
struct NextToken {
  int32_t id = -1;                     // -1: no logit was a number
  float log_probability = 0;           // natural; among all tokens, the banned ones too
  std::span<const float> logits = {};  // [vocabulary], where they are wanted
};

// One thread uses it.
class ModelRunner {
 public:
  virtual ~ModelRunner() = default;

  virtual int64_t context() const = 0;                      // positions of a sequence, at most
  virtual int64_t vocabulary() const = 0;                   // logits of a row
  virtual std::span<const int32_t> end_tokens() const = 0;  // each ends a text
  virtual int64_t window() const { return 0; }  // of written tokens that one sees, itself among them; 0: all
  virtual PagePool& pages() = 0;                // of its cache; at least one sequence of one page fits

  virtual std::unique_ptr<Encoding> encode(std::shared_ptr<const Views> views) = 0;
  // -> of every entry that chooses, in order; valid until the next call.
  virtual std::span<const NextToken> step(const Batch& batch) = 0;
};

// On one device: a whole model, or with a decoder that is one rank's of several a part of ParallelRunner.
class DeviceRunner final : public ModelRunner {
 public:
  // All must outlive it. `encoder` may be null if no image is encoded. The cache holds `positions`.
  DeviceRunner(Device& device, const Decoder& decoder, const VisionEncoder* encoder, int64_t positions);

  int64_t context() const override { return decoder_.config().context; }
  int64_t vocabulary() const override { return decoder_.config().vocabulary; }
  std::span<const int32_t> end_tokens() const override { return decoder_.config().end_tokens; }
  int64_t window() const override { return decoder_.config().window; }
  PagePool& pages() override { return cache_.pool(); }
  std::unique_ptr<Encoding> encode(std::shared_ptr<const Views> views) override;
  std::span<const NextToken> step(const Batch& batch) override;
  // The result of a step, still on the device, for every entry that chooses. Ranks other than 0 receive the embeddings
  // from rank 0.
  Decoder::Next next_of(const Batch& batch, Communicator* others = nullptr);
  Device& device() const { return device_; }
  const VisionEncoder* encoder() const { return encoder_; }
  CapturedRegions* encoding_regions() const { return encoding_.get(); }

 private:
  void take(const Batch& batch, const Decoder::Next& next);

  Device& device_;
  const Decoder& decoder_;
  const VisionEncoder* encoder_;
  KvCache cache_;
  KeptSteps kept_;
  std::unique_ptr<CapturedRegions> encoding_;  // of all pages; may be null
  std::vector<NextToken> tokens_;
  std::vector<float> logits_;  // of those that are wanted
};

}  // namespace lectern
