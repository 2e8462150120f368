// Models downloaded by `lectern pull`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/export.h"

namespace lectern {

struct PulledModel {
  std::string name;              // OWNER/NAME
  std::string revision;          // the commit
  std::filesystem::path folder;  // for Model::load
  int64_t bytes = 0;
};

// Complete models, sorted by name, the latest pull of a name first. Any thread may call these functions.
LECTERN_EXPORT std::vector<PulledModel> pulled_models();

// By name, "deepseek-ai/DeepSeek-OCR", or by name and commit, of which a few digits are enough,
// "deepseek-ai/DeepSeek-OCR@0a1b2c". Throws Error (not_found).
LECTERN_EXPORT PulledModel pulled_model(std::string_view name);

}  // namespace lectern
