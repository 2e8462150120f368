// The language model: a decoder of which the first layers are dense and the others mixtures of experts.
#pragma once

#include <vector>

#include "checkpoint/weights.h"
#include "language/kv_cache.h"

namespace lectern {

class Decoder {
 public:
  explicit Decoder(const WeightLoader& load);

  const DecoderConfig& config() const { return config_; }
  WeightFormat format() const { return format_; }

  // out row i = the embedding of ids[i]; ids must be below the vocabulary's size.
  void embed(std::span<const int32_t> ids, const MutableTensorView& out) const;

  // One step of some sequences together: x [rows, hidden] f32, their embeddings, may be changed; the cache is extended.
  // The first `written` rows are of tokens that the model wrote, the others of prompts; see LinearArgs.
  // -> logits [wanted, vocabulary] after the wanted rows of x; empty when none is wanted.
  Tensor step(const MutableTensorView& x, std::span<const SequenceRows> sequences, int64_t written,
              std::span<const int64_t> wanted, const KvCache& cache) const;

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
