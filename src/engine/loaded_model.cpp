#include "engine/loaded_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/log.h"
#include "core/system/available_memory.h"
#include "core/threads.h"
#include "device/registry.h"
#include "lectern/error.h"

namespace lectern {
namespace {

int32_t find_image_token(const Tokenizer& tokenizer, const Checkpoint& checkpoint) {
  const std::string folder = checkpoint.folder().string();
  const int vocabulary = checkpoint.config().decoder.vocabulary;
  if (tokenizer.size() > vocabulary) {
    throw Error(fmt::format("{}: tokenizer.json has ids up to {}, but the vocabulary of config.json has {}; are the "
                            "files of one model?",
                            folder, tokenizer.size() - 1, vocabulary),
                ErrorCode::corrupt_input);
  }
  const std::optional<int32_t> id = tokenizer.id_of("<image>");
  if (!id)
    throw Error(
        fmt::format("{}: tokenizer.json has no token <image>; is this a model of the DeepSeek-OCR family?", folder),
        ErrorCode::corrupt_input);
  return *id;
}

// A device that cannot run a model, a number of ranks that cannot share it, and devices that cannot be connected are
// told before anything is loaded, not in the middle of a page.
Device& ready(const std::vector<Device*>& devices, WeightFormat format, const DecoderConfig& config) {
  for (Device* const device : devices) device->require_model_operators(format);
  share_of(config, 0, static_cast<int>(devices.size()));
  if (devices.size() > 1) try_ranks(devices);
  return *devices.front();
}

// Of the device, where it has its own, or of the host.
int64_t free_memory(const Device& device) {
  const DeviceMemory memory = device.memory();
  return memory.total > 0 ? static_cast<int64_t>(memory.free) : available_memory();
}

double bytes_of_value(WeightFormat format) {
  switch (format) {
    case WeightFormat::f32: return 4;
    case WeightFormat::bf16: return 2;
    case WeightFormat::q8: return 34.0 / 32;  // a block of 32 has a scale of two bytes
    case WeightFormat::q4: return 18.0 / 32;
  }
  return 0;
}

// load() puts a part of the model on the device. Where the device has no memory for it, that is said of the model,
// since what the device itself advises is meant for pages.
template <typename Load>
void fit(const Checkpoint& checkpoint, const Device& device, int64_t before, WeightFormat format, size_t ranks,
         const Load& load) {
  try {
    load();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
    double bytes = 0;
    for (const Checkpoint::Entry& entry : checkpoint.entries()) {
      double values = 1;
      for (const int64_t extent : entry.shape) values *= static_cast<double>(extent);
      bytes += values * bytes_of_value(format);
    }
    const bool is_shared = device.memory().total == 0;  // with the other ranks
    const std::string advice = !is_shared ? fmt::format("share the model between {} devices with `tensor_parallel`",
                                                        ranks > 1 ? "more" : "several")
                               : format == WeightFormat::q4 ? "take a machine with more"
                                                            : "use `weights` q8 or q4";
    throw Error(
        fmt::format("{}: the model does not fit: its weights take about {:.0f} MiB in {}{}, and {} MiB of memory were "
                    "free; end other programs there, or {}",
                    device.name(), bytes / (1 << 20), name_of(format),
                    ranks > 1 ? fmt::format(", shared by {} ranks", ranks) : "", before >> 20, advice),
        ErrorCode::out_of_memory);
  }
}

using FreeMemory = std::map<const Device*, int64_t>;
using Encoders = std::map<const Device*, std::unique_ptr<const VisionEncoder>>;

Encoders load_encoders(const Checkpoint& checkpoint, const std::vector<Device*>& devices, const FreeMemory& before,
                       WeightFormat weights, const WeightLoader::Observer& observer) {
  const WeightFormat format = weights == WeightFormat::f32 ? WeightFormat::f32 : WeightFormat::bf16;
  Encoders encoders;
  for (Device* const device : devices) {
    std::unique_ptr<const VisionEncoder>& encoder = encoders[device];
    if (encoder) continue;
    fit(checkpoint, *device, before.at(device), weights, devices.size(),
        [&] { encoder = make_vision_encoder(WeightLoader(checkpoint, *device, format, observer)); });
  }
  return encoders;
}

std::deque<RankModel> load_ranks(const Checkpoint& checkpoint, const std::vector<Device*>& devices,
                                 const FreeMemory& before, WeightFormat format, const Encoders& encoders,
                                 const WeightLoader::Observer& observer) {
  std::deque<RankModel> ranks;
  for (Device* const device : devices) {
    const bool is_first = std::ranges::none_of(ranks, [&](const RankModel& rank) { return &rank.device == device; });
    fit(checkpoint, *device, before.at(device), format, devices.size(), [&] {
      ranks.emplace_back(checkpoint, *device, format, static_cast<int>(ranks.size()), static_cast<int>(devices.size()),
                         observer, is_first ? encoders.at(device).get() : nullptr);
    });
  }
  return ranks;
}

}  // namespace

WeightFormat weight_format(Weights weights, const std::filesystem::path& folder, const Device& device) {
  const bool asked = weights != Weights::automatic;
  const PackedTensors packed = asked ? PackedTensors{} : read_packed(folder);
  const WeightFormat format = asked ? weight_format(name_of(weights))
                                    : (packed.tensors.empty() ? device.info().default_weights : packed.weights);
  log_debug("weights.chosen", {{"weights", name_of(format)},
                               {"because", asked                    ? "they were asked for"
                                           : packed.tensors.empty() ? "they are the device's own choice"
                                                                    : "the model was packed so"}});
  return format;
}

Weights weights_of(WeightFormat format) { return named<Weights>(name_of(format)).value(); }

ModelFiles::ModelFiles(const std::filesystem::path& folder)
    : checkpoint(Checkpoint::open(folder)),
      tokenizer(Tokenizer::load(folder / "tokenizer.json")),
      token_classes(tokenizer),
      image_token(find_image_token(tokenizer, checkpoint)) {
  const int size = checkpoint.config().native_size;
  if (size % 64 != 0)
    throw Error(fmt::format("{}: config.json: candidate_resolutions is {}, expected a multiple of 64", name(), size),
                ErrorCode::corrupt_input);
}

LoadedModel::FreeMemory LoadedModel::free_before(const std::vector<Device*>& devices) {
  FreeMemory all;
  for (const Device* device : devices) all.emplace(device, free_memory(*device));
  return all;
}

LoadedModel::LoadedModel(std::shared_ptr<const ModelFiles> shared, const std::vector<Device*>& devices,
                         WeightFormat weights, const WeightLoader::Observer& observer, const FreeMemory& before)
    : device(ready(devices, weights, shared->checkpoint.config().decoder)),
      format(weights),
      files(std::move(shared)),
      checkpoint(files->checkpoint),
      tokenizer(files->tokenizer),
      token_classes(files->token_classes),
      image_token(files->image_token),
      encoders(load_encoders(checkpoint, devices, before, weights, observer)),
      encoder(*encoders.at(&device)),
      ranks(load_ranks(checkpoint, devices, before, weights, encoders, observer)),
      decoder(ranks.front().decoder) {
  log_info("model.loaded", {{"folder", checkpoint.folder()},
                            {"weights", name_of(format)},
                            {"device", device_names()},
                            {"ranks", ranks.size()},
                            {"native_size", checkpoint.config().native_size},
                            {"threads", threads()}});
  for (const std::string& name : device.lowered(format)) {
    log_debug(
        "operator.replaced",
        {{"operator", name}, {"because", "the device lacks it, or is told to do without"}, {"device", device.name()}});
  }
}

std::string LoadedModel::device_names() const {
  std::string names;
  std::vector<const Device*> seen;
  for (const RankModel& rank : ranks) {
    if (std::ranges::find(seen, &rank.device) != seen.end()) continue;
    seen.push_back(&rank.device);
    names += (names.empty() ? "" : "+") + std::string(rank.device.name());
  }
  return names;
}

int64_t LoadedModel::cache_positions_in(double share) const {
  const int64_t context = decoder.config().context;
  double fitting = std::numeric_limits<double>::infinity();
  for (const RankModel& rank : ranks) {
    double bytes = 0;  // of a position, for all ranks on the device
    for (const RankModel& other : ranks) {
      if (&other.device != &rank.device) continue;
      const int64_t all = KvCache::bytes_of_sequence(other.device, other.decoder.cache_shape(), format, context);
      bytes += static_cast<double>(std::max<int64_t>(1, all)) / static_cast<double>(context);
    }
    fitting = std::min(fitting, static_cast<double>(free_memory(rank.device)) * share / bytes);
  }
  return static_cast<int64_t>(fitting);
}

ViewPlan ModelFiles::plan(Mode mode, bool force) const {
  try {
    // A page without lines, or of another prompt, is one view for a model of rows; for others each block is a page.
    const bool one_view = mode == Mode::lines && checkpoint.config().rows;
    return description().plan_of(one_view ? Mode::native : mode, force);
  } catch (const Error& error) {
    throw Error(name() + ": " + error.what(), error.code());
  }
}

std::vector<int32_t> ModelFiles::expand_prompt(std::span<const int32_t> prompt, int64_t rows) const {
  if (std::ranges::count(prompt, image_token) != 1) {
    throw Error(fmt::format("the prompt holds the image token {} ({}) {} times, expected once", "<image>", image_token,
                            std::ranges::count(prompt, image_token)));
  }
  std::vector<int32_t> ids = {checkpoint.config().decoder.bos};
  for (const int32_t id : prompt) ids.insert(ids.end(), id == image_token ? static_cast<size_t>(rows) : 1, id);
  return ids;
}

}  // namespace lectern
