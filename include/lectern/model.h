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
  // Operators to replace by equivalents although the device has them; names separated by commas.
  std::string without{};
};

// Handle of a loaded model; copies share it. It is immutable after loading: any thread may use it.
class LECTERN_EXPORT Model {
 public:
  // `folder` holds config.json, tokenizer.json and *.safetensors, which are memory-mapped and must stay unchanged
  // while the model lives. Throws Error, naming the file, when something is missing, broken or unsupported.
  static Model load(const std::filesystem::path& folder, const ModelOptions& options = {});

  // The same model on another device; the two share the files in memory.
  Model on(const ModelOptions& options) const;

  // Pixels along a side of the view that the model was trained on.
  int native_size() const;
  // In use; never automatic.
  Weights weights() const;
  // The name of its device.
  std::string device() const;

  // For the library itself.
  const LoadedModel& loaded() const { return *loaded_; }

 private:
  explicit Model(std::shared_ptr<LoadedModel> loaded) : loaded_(std::move(loaded)) {}
  std::shared_ptr<LoadedModel> loaded_;
};

// Sets the number of threads of this process; 0: the processors that it may use. Call it before anything is
// read.
LECTERN_EXPORT void use_threads(int count);

}  // namespace lectern
