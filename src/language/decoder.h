// Decoder of the language model: the first layers are dense, the others mixtures of experts. With several ranks each
// holds a share of the heads and experts: all take a step together, and the results of attention and experts are summed
// over the ranks before they are added to the residual stream, which is the same on all.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "checkpoint/weights.h"
#include "device/choice.h"
#include "device/step_batch.h"
#include "language/kv_cache.h"
#include "language/rank_share.h"

namespace lectern {

// Intermediate tensors of a step, by number. Kept ones stay at the same address from step to step while they are large
// enough.
class StepTensors {
 public:
  explicit StepTensors(bool kept) : kept_(kept) {}
  MutableTensorView get(Device& device, size_t index, DataType type, const Shape& shape);

 private:
  bool kept_;
  std::array<Tensor, 6> tensors_;
};

// Memory and captured regions kept from one decode step to the next, in which every sequence has one row.
// For one thread and one cache, which is made before it; cache, decoder and device must outlive it.
struct KeptSteps {
  StepTensors tensors{true};
  StepMemory batch = {};
  std::unique_ptr<CapturedRegions> regions;  // null: nothing is kept
};

class Communicator;

class Decoder {
 public:
  // The whole decoder, or the share of one rank. Throws Error for weights that are missing or broken.
  explicit Decoder(const WeightLoader& load, int rank = 0, int ranks = 1);

  const DecoderConfig& config() const { return config_; }  // of the whole model
  const RankShare& share() const { return share_; }
  CacheShape cache_shape() const;  // of what this rank keeps
  WeightFormat format() const { return format_; }

  // One step of some sequences together; the cache is extended.
  struct Rows {
    std::span<const SequenceRows> sequences;
    // Token id of every row, below the vocabulary's size. Where picture_rows is not -1, that row of the pictures stands
    // for the token's embedding, counted through all of them, f32 [n, hidden] each; empty: nowhere.
    std::span<const int32_t> ids;
    std::span<const int32_t> picture_rows = {};
    std::span<const TensorView> pictures = {};
    int64_t written = 0;  // the first rows, of tokens that the model wrote; the others are of prompts: LinearArgs
    std::span<const int64_t> logit_rows = {};           // after which a token is chosen
    std::span<const std::vector<int32_t>> banned = {};  // for each of these; empty: nothing is
  };
  // Of every logit row, over the rank's share of the vocabulary, ids counted from its first; both empty without such
  // rows.
  struct Next {
    Tensor logits;  // [logit rows, words]
    Choice choice;
  };
  // `kept` may be null. With several ranks each calls it at the same time with the same rows, and `others` connects
  // them; only rank 0 uses pictures.
  Next step(const Rows& rows, const KvCache& cache, KeptSteps* kept = nullptr, Communicator* others = nullptr) const;
  // With several ranks, the work between two exchanges is captured, piece by piece.
  KeptSteps keep_steps() const { return {.regions = device_.capture_regions(format_)}; }

  // Takes part in the remaining exchanges of a step of so many rows, of which `done` were made: for a rank that failed,
  // so that the others do not wait for it. `room`, at least f32 [rows, hidden], is scratch memory.
  void go_through(int64_t rows, int done, const MutableTensorView& room, Communicator& others) const;

  // For benchmarks. Bytes of weights that a step of so many sequences, a token each, reads: of the experts as many as
  // independent, even choices would hit.
  double bytes_of_step(int sequences) const;
  // Multiplications and additions with weights for one token of a prompt.
  double operations_of_token() const;

 private:
  struct Layer {
    NormWeights input_norm, post_norm;
    WeightStack qkv;
    Weight o;
    int64_t zeros_before = 0;  // columns of o in front of those of this rank's heads
    ExpertBank shared;         // one, all there is in a dense layer; or none
    Weight router;
    ExpertBank experts;  // of the share
  };
  Layer load_layer(const WeightLoader& load, int index) const;
  void load_attention(const WeightLoader& load, const std::string& name, Layer& layer) const;
  ExpertBank load_dense(const WeightLoader& load, const std::string& prefix) const;
  void project(const LinearArgs& args, int64_t zeros_before) const;

  Device& device_;
  DecoderConfig config_;
  RankShare share_;
  int heads_, kv_heads_;  // of this rank, one of zeros where it has none
  WeightFormat format_;
  DataType compute_type_;  // of the values between operators
  Weight embedding_, head_;
  NormWeights norm_;
  std::vector<Layer> layers_;
};

}  // namespace lectern
