// Checkpoints of decoders of any sizes, with random weights; they have no encoder.
#pragma once

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "core/temp_folder.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern::testing {

struct DecoderSizes {
  int hidden = 72, layers = 3, dense_layers = 1, heads = 3, kv_heads = 3, experts = 5, top_k = 2, vocabulary = 131;
  int inner = 100, expert_inner = 36, shared_inner = 36;  // of dense layers, an expert, the shared one (0: none)
};

class OddDecoder {
 public:
  explicit OddDecoder(const DecoderSizes& sizes, uint32_t seed = 1) : random_(seed) {
    auto config = nlohmann::json::parse(slurp(mini_folder / "config.json"));
    for (nlohmann::json* part : {&config, &config["language_config"]}) {
      (*part)["hidden_size"] = sizes.hidden;
      (*part)["num_hidden_layers"] = sizes.layers;
      (*part)["first_k_dense_replace"] = sizes.dense_layers;
      (*part)["num_attention_heads"] = sizes.heads;
      (*part)["num_key_value_heads"] = sizes.kv_heads;
      (*part)["n_routed_experts"] = sizes.experts;
      (*part)["num_experts_per_tok"] = sizes.top_k;
      (*part)["vocab_size"] = sizes.vocabulary;
      (*part)["max_position_embeddings"] = 512;
    }
    folder_.write("config.json", config.dump());
    const int64_t hidden = sizes.hidden;
    const int64_t kv = hidden / sizes.heads * sizes.kv_heads;
    matrix("model.embed_tokens.weight", sizes.vocabulary, hidden);
    matrix("lm_head.weight", sizes.vocabulary, hidden);
    norm("model.norm.weight", hidden);
    for (int i = 0; i < sizes.layers; ++i) {
      const std::string layer = "model.layers." + std::to_string(i) + ".";
      norm(layer + "input_layernorm.weight", hidden);
      norm(layer + "post_attention_layernorm.weight", hidden);
      matrix(layer + "self_attn.q_proj.weight", hidden, hidden);
      matrix(layer + "self_attn.k_proj.weight", kv, hidden);
      matrix(layer + "self_attn.v_proj.weight", kv, hidden);
      matrix(layer + "self_attn.o_proj.weight", hidden, hidden);
      if (i < sizes.dense_layers) {
        block(layer + "mlp.", sizes.inner, hidden);
        continue;
      }
      matrix(layer + "mlp.gate.weight", sizes.experts, hidden);
      for (int e = 0; e < sizes.experts; ++e)
        block(layer + "mlp.experts." + std::to_string(e) + ".", sizes.expert_inner, hidden);
      if (sizes.shared_inner > 0) block(layer + "mlp.shared_experts.", sizes.shared_inner, hidden);
    }
    std::vector<std::pair<std::string, TensorView>> views;
    for (const auto& [name, tensor] : tensors_) views.emplace_back(name, view_of(tensor.values, tensor.shape));
    write_safetensors(folder_ / "model.safetensors", views);
  }

  Checkpoint open() const { return Checkpoint::open(folder_.path()); }

 private:
  struct Values {
    std::vector<float> values;
    Shape shape;
  };

  void matrix(const std::string& name, int64_t out, int64_t in) {
    tensors_[name] = {random_.values(out * in, 0.4f), {out, in}};
  }
  void norm(const std::string& name, int64_t width) {
    std::vector<float> values = random_.values(width, 0.3f);
    for (float& value : values) value += 1;
    tensors_[name] = {std::move(values), {width}};
  }
  void block(const std::string& prefix, int64_t inner, int64_t hidden) {
    matrix(prefix + "gate_proj.weight", inner, hidden);
    matrix(prefix + "up_proj.weight", inner, hidden);
    matrix(prefix + "down_proj.weight", hidden, inner);
  }

  TempFolder folder_;
  Random random_;
  std::map<std::string, Values> tensors_;
};

}  // namespace lectern::testing
