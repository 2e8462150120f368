// A DeepSeek-OCR model, loaded from a folder in the published Hugging Face layout.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "lectern/enums.h"
#include "lectern/export.h"

namespace lectern {

class LoadedModel;
class ModelFiles;
class WorkerModel;

struct ModelOptions {
  Weights weights = Weights::automatic;
  std::string device = "cpu";  // one of devices()
  // Operators to replace by equivalents although the device has them; names separated by commas.
  std::string without{};
  // The program `lectern`, to run the model in a process of its own, so that a crashing driver takes away one device
  // and no more. Empty: this process runs it.
  std::filesystem::path worker{};
  // Ranks that run the model together, each with a share of its heads, experts and words. `device` then names as many
  // devices, between commas, or one that all of them use.
  int tensor_parallel = 1;
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
  // As used; never automatic.
  Weights weights() const;
  // The name of its device; of several, their names with + between them.
  std::string device() const;

 private:
  friend struct ModelParts;
  Model() = default;

  std::shared_ptr<const ModelFiles> files_;
  std::shared_ptr<const LoadedModel> loaded_;  // or
  std::shared_ptr<WorkerModel> worker_;
};

// Sets the number of threads of this process; 0: as many as the processors that it may use. Call it before anything is
// read.
LECTERN_EXPORT void use_threads(int count);

}  // namespace lectern
