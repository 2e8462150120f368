// A model ready to read: its files, loaded once a process, and its encoder and decoder on each device.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/guard/token_classes.h"
#include "language/decoder.h"
#include "language/tokenizer.h"
#include "vision/encoder.h"

namespace lectern {

// Resolves automatic: as the model in the folder was packed, else the default of the device.
WeightFormat weight_format(Weights weights, const std::filesystem::path& folder, const Device& device);
Weights weights_of(WeightFormat format);

// Files of a model, independent of the device. Immutable after loading: threads may share them.
class ModelFiles {
 public:
  // Throws Error if the folder is not a model or not one that Lectern can run.
  explicit ModelFiles(const std::filesystem::path& folder);

  const ModelDescription& description() const { return checkpoint.config().model; }
  // Throws Error, unless forced, for a mode that the model was not trained for.
  ViewPlan plan(Mode mode, bool force) const;

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

// One rank's share of a model, on a device that ranks may share.
struct RankModel {
  RankModel(const Checkpoint& checkpoint, Device& on, WeightFormat format, int rank, int ranks,
            const WeightLoader::Observer& observer = {}, const VisionEncoder* with = nullptr)
      : device(on), encoder(with), decoder(WeightLoader(checkpoint, on, format, observer), rank, ranks) {}
  Device& device;
  const VisionEncoder* encoder;  // the model's, on this device; null where an earlier rank of the device has it
  const Decoder decoder;
};

class LoadedModel {
 public:
  // Throws Error for weights that are missing or broken. The observer sees every matrix when it is made.
  LoadedModel(std::shared_ptr<const ModelFiles> shared, Device& device, WeightFormat format,
              const WeightLoader::Observer& observer = {})
      : LoadedModel(std::move(shared), std::vector<Device*>{&device}, format, observer) {}
  // Over several ranks, one for each of `devices`; the first on each device has an encoder, rank 0 the embeddings, too.
  LoadedModel(std::shared_ptr<const ModelFiles> shared, const std::vector<Device*>& devices, WeightFormat format,
              const WeightLoader::Observer& observer = {})
      : LoadedModel(std::move(shared), devices, format, observer, free_before(devices)) {}
  // With files of its own.
  LoadedModel(const std::filesystem::path& folder, Device& device, WeightFormat format,
              const WeightLoader::Observer& observer = {})
      : LoadedModel(std::make_shared<const ModelFiles>(folder), device, format, observer) {}

  const ModelDescription& description() const { return files->description(); }
  ViewPlan plan(Mode mode, bool force) const { return files->plan(mode, force); }
  std::vector<int32_t> expand_prompt(std::span<const int32_t> prompt, int64_t rows) const {
    return files->expand_prompt(prompt, rows);
  }

  // Those of its ranks, each once: "ascend:0+ascend:1".
  std::string device_names() const;
  // Positions of the KV cache that fit into `share` of the free memory on every device.
  int64_t cache_positions_in(double share) const;

  Device& device;             // of rank 0
  const WeightFormat format;  // of the decoder; the encoder's is f32 or bf16
  const std::shared_ptr<const ModelFiles> files;
  const Checkpoint& checkpoint;       // of files
  const Tokenizer& tokenizer;         // of files
  const TokenClasses& token_classes;  // of files
  const int32_t image_token;
  const std::map<const Device*, std::unique_ptr<const VisionEncoder>> encoders;
  const VisionEncoder& encoder;  // of rank 0
  const std::deque<RankModel> ranks;
  const Decoder& decoder;  // of rank 0

 private:
  using FreeMemory = std::map<const Device*, int64_t>;  // before anything is loaded, in bytes
  static FreeMemory free_before(const std::vector<Device*>& devices);
  LoadedModel(std::shared_ptr<const ModelFiles> shared, const std::vector<Device*>& devices, WeightFormat format,
              const WeightLoader::Observer& observer, const FreeMemory& before);
};

}  // namespace lectern
