// The models that `lectern pull` has brought to this machine.
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

// Those that are complete, by name; of one name the one pulled last comes first. Any thread may call these.
LECTERN_EXPORT std::vector<PulledModel> pulled_models();

// By name: "deepseek-ai/DeepSeek-OCR", or with a commit, a few digits of which will do,
// "deepseek-ai/DeepSeek-OCR@0a1b2c". Throws Error (not_found) when there is none.
LECTERN_EXPORT PulledModel pulled_model(std::string_view name);

}  // namespace lectern
