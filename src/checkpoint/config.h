// The sizes and settings of a model of the DeepSeek-OCR family, from its config.json, and what it was trained for.
//
// What read_config returns is consistent: sizes are positive and bounded, so that products of any three fit in 64
// bits; heads divide widths; indices are in range. Anything else, and any setting that Lectern does not implement, is
// an Error that names the file and the key. Widths inside layers are not here: they come from the tensors' shapes.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/model_description.h"

namespace lectern {

struct SamConfig {
  int width = 0;
  int layers = 0;
  int heads = 0;
  std::vector<int> global_layers;  // ascending; the others attend within windows
  int window = 14;                 // patches along a side
  int patch = 16;                  // pixels along a side
};

struct ClipConfig {
  int width = 0;
  int layers = 0;
  int heads = 0;
};

// The encoder of DeepSeek-OCR-2. The published file has none of these: they are constants in its code.
struct Qwen2Config {
  int heads = 14;
  int kv_heads = 2;
  float rms_epsilon = 1e-6f;
  float rope_theta = 1e6f;
};

struct DecoderConfig {
  int hidden = 0;
  int layers = 0;
  int heads = 0;
  int kv_heads = 0;
  int experts = 0;
  int experts_per_token = 0;
  int dense_layers = 0;  // the first layers have one feed-forward block in place of experts
  int vocabulary = 0;
  int context = 0;  // positions
  int window = 0;   // generated tokens that one sees beside the prompt, itself among them; 0: all
  float rms_epsilon = 1e-6f;
  float rope_theta = 1e4f;
  int bos = 0;
  std::vector<int32_t> end_tokens;  // each ends a text; of config.json first, then of generation_config.json
  bool renormalise = false;         // norm_topk_prob: the chosen experts' weights are scaled to sum to one
  float routed_scale = 1;           // routed_scaling_factor
};

// Rows that a small model was trained on, each a piece of one line of text, in views. In pixels; from config.json:
// "lectern": {"rows": {"row_height", "ink_height", "piece_width"}}.
struct RowConfig {
  int row_height = 0;
  int ink_height = 0;   // from the top of tall letters to the foot of low ones
  int piece_width = 0;  // at most
};

struct ModelConfig {
  ModelDescription model;
  int native_size = 0;  // pixels along a side of the view the model was made for: candidate_resolutions[0][0]
  std::optional<RowConfig> rows;
  SamConfig sam;
  ClipConfig clip;                   // where model.encoder is clip
  std::optional<Qwen2Config> qwen2;  // where it is qwen2
  DecoderConfig decoder;
};

ModelConfig read_config(const std::filesystem::path& file);

// Of the model in a folder before it is loaded; that of DeepSeek-OCR where this cannot be told: loading will say why.
ModelDescription describe_folder(const std::filesystem::path& folder);

}  // namespace lectern
