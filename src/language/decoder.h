// The language model: a decoder of which the first layers are dense and the others mixtures of experts.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "checkpoint/weights.h"
#include "device/step_batch.h"
#include "language/kv_cache.h"

namespace lectern {

// Tensors of a step, by number. Where they are kept for the next step they stay in their places while they are large
// enough.
class StepTensors {
 public:
  explicit StepTensors(bool kept) : kept_(kept) {}
  MutableTensorView get(Device& device, size_t index, DataType type, const Shape& shape);

 private:
  bool kept_;
  std::array<Tensor, 6> tensors_;
};

// What steps of one row a sequence keep from one to the next where a device captures what is between their attentions.
// For one thread and one cache, which is made before it; cache, decoder and device must outlive it.
struct KeptSteps {
  StepTensors tensors{true};
  StepMemory batch = {};
  std::unique_ptr<CapturedRegions> regions;  // null: nothing is kept
};

class Decoder {
 public:
  explicit Decoder(const WeightLoader& load);

  const DecoderConfig& config() const { return config_; }
  WeightFormat format() const { return format_; }

  // out row i = the embedding of ids[i]; ids must be below the vocabulary's size.
  void embed(std::span<const int32_t> ids, const MutableTensorView& out) const;

  // One step of some sequences together: x [rows, hidden] f32, their embeddings, may be changed; the cache is extended.
  // The first `written` rows are of tokens that the model wrote, the others of prompts; see LinearArgs.
  // -> logits [wanted, vocabulary] after the wanted rows of x; empty when none is wanted. `kept` may be null.
  Tensor step(const MutableTensorView& x, std::span<const SequenceRows> sequences, int64_t written,
              std::span<const int64_t> wanted, const KvCache& cache, KeptSteps* kept = nullptr) const;
  KeptSteps keep_steps() const { return {.regions = device_.capture_regions(format_)}; }

  // For benchmarks. Bytes of weights that a step of so many sequences, a token each, reads: of the experts as many as
  // independent, even choices would hit.
  double bytes_of_step(int sequences) const;
  // Multiplications and additions with weights for one token of a prompt.
  double operations_of_token() const;

 private:
  struct Layer {
    NormWeights input_norm, post_norm;
    Matrix q, k, v, o;
    ExpertWeights shared;  // all there is in a dense layer; without a gate where there is none
    Matrix router;
    std::vector<ExpertWeights> experts;
  };
  Layer load_layer(const WeightLoader& load, int index) const;

  Device& device_;
  DecoderConfig config_;
  WeightFormat format_;
  DataType inner_;  // of the values between operators
  Matrix embedding_, head_;
  NormWeights norm_;
  std::vector<Layer> layers_;
};

}  // namespace lectern
