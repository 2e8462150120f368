// A DeepSeek-OCR model, loaded from a folder in the published Hugging Face layout.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "lectern/enums.h"
#include "lectern/export.h"

namespace lectern {

class LoadedModel;

struct ModelOptions {
  Weights weights = Weights::automatic;
  std::string device = "cpu";  // one of devices()
  // Operators, names between commas, that are replaced by equivalents although the device has them.
  std::string without{};
};

// Shares one loaded model; copies are cheap. Nothing changes after loading: any thread may use it.
class LECTERN_EXPORT Model {
 public:
  // `folder` holds config.json, tokenizer.json and *.safetensors, which are memory-mapped and must stay unchanged
  // while the model lives. Throws Error, naming the file, when something is missing, broken or unsupported.
  static Model load(const std::filesystem::path& folder, const ModelOptions& options = {});

  // The same model on another device, beside this one; its files are loaded once.
  Model on(const ModelOptions& options) const;

  // Pixels along a side of the view that the model was trained on.
  int native_size() const;
  // As used: never automatic.
  Weights weights() const;
  // The name of its device.
  std::string device() const;

  // For the library itself.
  const LoadedModel& loaded() const { return *loaded_; }

 private:
  explicit Model(std::shared_ptr<LoadedModel> loaded) : loaded_(std::move(loaded)) {}
  std::shared_ptr<LoadedModel> loaded_;
};

// Threads for all work of this process; 0 takes the processors that the process may use. Call it before anything is
// read.
LECTERN_EXPORT void use_threads(int count);

}  // namespace lectern
