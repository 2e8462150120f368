// A model ready to read: its files, loaded once a process, and its encoder and decoder on each device.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "engine/guard/token_classes.h"
#include "language/decoder.h"
#include "language/tokenizer.h"
#include "vision/encoder.h"

namespace lectern {

// "f32", "bf16", "q8" or "q4", or "auto": how the model in the folder was packed, or else as the device is best used.
// Error for any other name.
WeightFormat weight_format(std::string_view name, const std::filesystem::path& folder, const Device& device);

// What does not depend on a device. Nothing changes after loading: threads may share it.
class ModelFiles {
 public:
  // Throws Error when the folder is not a model, or one that Lectern cannot run.
  explicit ModelFiles(const std::filesystem::path& folder);

  // The plan of a mode by its name; "auto" is gundam for a model trained at 1024 pixels and native otherwise.
  // Throws Error for an unknown mode and, unless forced, for one that the model was not trained for.
  ViewPlan plan(std::string_view mode, bool force) const;

  // Begin of sentence, then the prompt with `rows` image tokens in place of its one <image>.
  // Throws Error unless the prompt holds <image> exactly once.
  std::vector<int32_t> expand_prompt(std::span<const int32_t> prompt, int64_t rows) const;

  const Checkpoint checkpoint;
  const Tokenizer tokenizer;
  const TokenClasses token_classes;
  const int32_t image_token;

 private:
  std::string name() const { return checkpoint.folder().string(); }
};

class LoadedModel {
 public:
  // Throws Error for weights that are missing or broken. The observer sees every matrix when it is made.
  LoadedModel(std::shared_ptr<const ModelFiles> shared, Device& device, WeightFormat format,
              const WeightLoader::Observer& observer = {});
  // With files of its own.
  LoadedModel(const std::filesystem::path& folder, Device& device, WeightFormat format,
              const WeightLoader::Observer& observer = {})
      : LoadedModel(std::make_shared<const ModelFiles>(folder), device, format, observer) {}

  ViewPlan plan(std::string_view mode, bool force) const { return files->plan(mode, force); }
  std::vector<int32_t> expand_prompt(std::span<const int32_t> prompt, int64_t rows) const {
    return files->expand_prompt(prompt, rows);
  }

  Device& device;
  const WeightFormat format;  // of the decoder; the encoder's is f32 or bf16
  const std::shared_ptr<const ModelFiles> files;
  const Checkpoint& checkpoint;       // of files
  const Tokenizer& tokenizer;         // of files
  const TokenClasses& token_classes;  // of files
  const int32_t image_token;
  const Encoder encoder;
  const Decoder decoder;
};

}  // namespace lectern
