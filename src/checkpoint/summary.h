// Summary of a checkpoint by parts, as text for people and as JSON for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checkpoint/checkpoint.h"

namespace lectern {

// Lines of text: the sizes from config.json, then a table of parts with their tensors, types, parameters and bytes.
std::string summarise(const Checkpoint& checkpoint);

// {"folder", "model": {"name", "modes", "prompts", "repeat", ...}, "native_size", "sam": {...}, "clip" or "qwen2":
// {...}, "decoder": {...}, "parts": [{"name", "tensors", "types", "parameters", "bytes"}], "total": {"tensors",
// "parameters", "bytes"}}
nlohmann::json summary_json(const Checkpoint& checkpoint);

}  // namespace lectern
