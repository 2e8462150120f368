// Hugging Face transformers' own layouts of DeepSeek-OCR-2 (`deepseek-community/DeepSeek-OCR-2`) and Unlimited-OCR, and
// of what is fine-tuned from them: other keys in config.json, other names of tensors, a layer's experts in one tensor,
// and CLIP's queries, keys and values in three. They are read as if they were the published layout. transformers may
// also save tensors by their published names beside such a config.json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace lectern {

// The published form of such a config.json; nothing for one that is in another layout. Throws Error, which begins with
// `file`, for settings that the published form has no place for.
std::optional<nlohmann::json> published_config(const nlohmann::json& config, const std::string& file);

// The published name of a tensor; names of another layout stay as they are.
std::string published_name(std::string_view name);

// The matrices of single experts, with their published names, of a tensor that holds those of a layer: gate_up_proj
// [experts, 2 * inner, hidden], the gate's rows first, and down_proj [experts, hidden, inner]. Empty for every other
// name or shape.
std::vector<std::pair<std::string, TensorView>> split_experts(std::string_view name, const TensorView& packed);

// A published tensor that concatenates the rows of others.
struct JoinedRows {
  std::string name;
  std::vector<std::string> parts;
};
// Of the first of the parts, by its published name; nothing for every other.
std::optional<JoinedRows> joined_rows(std::string_view name);

}  // namespace lectern
