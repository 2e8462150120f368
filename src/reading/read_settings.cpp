#include "reading/read_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/available_memory.h"
#include "core/log.h"
#include "language/kv_cache.h"
#include "lectern/error.h"
#include "reading/worker/worker_model.h"

namespace lectern {
namespace {

constexpr int64_t usual_page = 3072;     // positions; few pages need more
constexpr double share_of_memory = 0.5;  // of what is free, for the cache; the rest is for the work itself and others

int64_t bytes_of(const LoadedModel& loaded, int64_t positions) {
  return std::max<int64_t>(
      1, KvCache::bytes_of_sequence(loaded.device, loaded.decoder.config(), loaded.format, positions));
}

// Of the device, where it has its own, or of the host.
int64_t free_memory(const Device& device) {
  const DeviceMemory memory = device.memory();
  return memory.total > 0 ? static_cast<int64_t>(memory.free) : available_memory();
}

ViewPlan with_max_tiles(ViewPlan plan, int asked) {
  if (asked > 0) plan.max_tiles = std::min(plan.max_tiles, asked);
  return plan;
}

std::optional<ViewPlan> tiled_plan(const ModelDescription& model, int asked) {
  const ViewPlan* plan = model.tiled_plan();
  return plan == nullptr ? std::nullopt : std::optional(with_max_tiles(*plan, asked));
}

// Words of one's own are asked of several pages as of one.
Prompt prompt_of_pages(const Prompt& asked, const ModelDescription& model) {
  const bool own_words = asked.name != model.prompts.front().name;
  return own_words || !model.pages_prompt ? asked : pages_prompt(model);
}

}  // namespace

ReadSettings::ReadSettings(const ModelFiles& files, const ReadOptions& given)
    : options(given),
      plan(with_max_tiles(files.plan(given.mode, given.force_mode), given.max_tiles)),
      tiled(tiled_plan(files.description(), given.max_tiles)),
      by_blocks(given.mode == Mode::lines && !files.checkpoint.config().rows),
      asked(parse_prompt(given.prompt, files.description(), given.force_mode)),
      prompt(files.tokenizer.encode(asked.text)),
      pages_prompt(files.tokenizer.encode(prompt_of_pages(asked, files.description()).text)),
      shown(given.raw        ? Shown::raw
            : asked.grounded ? Shown::untagged
                             : Shown::plain) {
  if (given.max_tiles < 0)
    throw Error(fmt::format("max_tiles {}: expected 0, for the model's own, or more", given.max_tiles));
  files.expand_prompt(prompt, 1);  // a prompt that is wrong is refused before anything is read
  if (!std::isfinite(given.temperature) || given.temperature < 0) {
    throw Error(fmt::format("temperature {}: expected 0, for the likeliest tokens, or more", given.temperature));
  }
  if (!(given.top_p > 0 && given.top_p <= 1)) {
    throw Error(fmt::format("top_p {}: expected a number above 0, and 1 at most", given.top_p));
  }
}

int64_t cache_positions(const LoadedModel& loaded, int batch) {
  const int64_t context = loaded.decoder.config().context;
  const double bytes = static_cast<double>(bytes_of(loaded, context)) / static_cast<double>(context);
  const auto fitting = static_cast<int64_t>(static_cast<double>(free_memory(loaded.device)) * share_of_memory / bytes);
  return std::clamp(fitting, context, context * batch);
}

void check_read_options(const Model& model, const ReadOptions& options) { ReadSettings(model.files(), options); }

int batch_size(const Model& model, int asked) {
  if (asked > 0) return asked;
  if (model.worker()) return model.worker()->facts().batch;
  const Device& device = model.loaded().device;
  const int64_t free = free_memory(device);
  const int max_batch = device.info().preferred_batch;
  const int64_t page = bytes_of(model.loaded(), usual_page);
  const double fitting = static_cast<double>(free) * share_of_memory / static_cast<double>(page);
  const int batch = static_cast<int>(std::clamp(fitting, 1.0, static_cast<double>(max_batch)));
  log_debug("batch.chosen", {{"batch", batch}, {"free_bytes", free}, {"bytes_a_page", page}, {"max_batch", max_batch}});
  return batch;
}

}  // namespace lectern
