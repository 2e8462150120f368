// A DeepSeek-OCR model, loaded from a folder in the published Hugging Face layout.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "lectern/export.h"

namespace lectern {

class LoadedModel;

// Shares one loaded model; copies are cheap. Nothing changes after loading.
class LECTERN_EXPORT Model {
 public:
  // `folder` holds config.json, tokenizer.json and *.safetensors, which are memory-mapped and must stay unchanged
  // while the model lives. Throws Error, naming the file, when something is missing, broken or unsupported.
  // `weights` names how they are kept and multiplied: f32 (exact products of the checkpoint's values), bf16, q8 or q4;
  // auto is how the model was packed, else f32 on the cpu and bf16 on a card.
  // `device` is one of those that `lectern devices` lists; operators in `without`, names between commas, are replaced
  // by equivalents although the device has them.
  static Model load(const std::filesystem::path& folder, std::string_view weights = "auto",
                    std::string_view device = "cpu", std::string_view without = "");

  // The same model on another device, beside this one; its files are loaded once.
  Model on(std::string_view device, std::string_view weights = "auto", std::string_view without = "") const;

  // Pixels along a side of the view that the model was trained on.
  int native_size() const;

  const LoadedModel& loaded() const { return *loaded_; }

 private:
  explicit Model(std::shared_ptr<LoadedModel> loaded) : loaded_(std::move(loaded)) {}
  std::shared_ptr<LoadedModel> loaded_;
};

// Threads for all work of this process; 0 takes the processors that the process may use.
LECTERN_EXPORT void use_threads(int count);

}  // namespace lectern
