#include "reading/read_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/log.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/worker/worker_model.h"

namespace lectern {
namespace {

constexpr int64_t usual_page = 3072;     // positions; few pages need more
constexpr double share_of_memory = 0.5;  // of what is free, for the cache; the rest is for the work itself and others

ViewPlan with_max_tiles(ViewPlan plan, int asked) {
  if (asked > 0) plan.max_tiles = std::min(plan.max_tiles, asked);
  return plan;
}

std::optional<ViewPlan> tiled_plan(const ModelDescription& model, int asked) {
  const ViewPlan* plan = model.tiled_plan();
  return plan == nullptr ? std::nullopt : std::optional(with_max_tiles(*plan, asked));
}

// Free words are the same prompt for several pages as for one.
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
    throw Error(fmt::format("`max_tiles` {}: expected 0, for the model's own, or more", given.max_tiles));
  if (given.max_tokens < 0)
    throw Error(fmt::format("`max_tokens` {}: expected 0, for as many as fit, or more", given.max_tokens));
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
  return std::clamp(loaded.cache_positions_in(share_of_memory), context, context * batch);
}

void check_read_options(const Model& model, const ReadOptions& options) { ReadSettings(files_of(model), options); }

void check_max_tiles(const Model& model, const ReadOptions& options, int pages_together) {
  const ModelDescription& description = files_of(model).description();
  const ViewPlan plan = pages_together > 1 && description.pages_prompt
                            ? description.pages_plan
                            : files_of(model).plan(options.mode, options.force_mode);
  if (options.max_tiles <= 1 || (plan.crop && options.max_tiles <= plan.max_tiles)) return;
  const std::string asked = fmt::format("`max_tiles` {}: {}", options.max_tiles, description.name);
  if (plan.crop) {
    throw Error(
        fmt::format("{} was trained with {} tiles at most; use that or fewer, or leave it out", asked, plan.max_tiles),
        ErrorCode::unsupported);
  }
  if (pages_together > 1) {
    throw Error(fmt::format("{} cuts none of several pages together into tiles; leave it out", asked),
                ErrorCode::unsupported);
  }
  const ViewPlan* const tiled = description.tiled_plan();
  throw Error(fmt::format("{} cuts no page into tiles in mode {}; leave it out{}", asked,
                          name_of(options.mode == Mode::automatic ? plan.mode : options.mode),
                          tiled == nullptr ? "" : fmt::format(", or use `mode` {}", name_of(tiled->mode))),
              ErrorCode::unsupported);
}

void check_pages_together(const Model& model, const ReadOptions& options, int pages) {
  const ModelFiles& files = files_of(model);
  const Prompt prompt = pages_prompt(files.description());
  const ViewPlan& plan = files.description().pages_plan;
  if (options.mode != Mode::automatic && options.mode != plan.mode) {
    throw Error(fmt::format("`mode` {}: {} looks at several pages together in mode {} alone; use that, or leave it out",
                            name_of(options.mode), files.description().name, name_of(plan.mode)),
                ErrorCode::unsupported);
  }
  const auto context = static_cast<int64_t>(files.checkpoint.config().decoder.context);
  const auto words = static_cast<int64_t>(files.tokenizer.encode(prompt.text).size());
  const int64_t tokens = pages * tokens_of_page(model) + words;
  if (tokens >= context) {
    throw Error(
        fmt::format("`pages_together` {}: so many pages take {} tokens, but the model's context is {}; use fewer",
                    pages, tokens, context));
  }
}

int batch_size(const Model& model, int asked) {
  if (asked < 0) throw Error(fmt::format("`batch` {}: expected 0, for as many as speed it up, or more", asked));
  if (asked > 0) return asked;
  if (worker_of(model)) return worker_of(model)->facts().batch;
  const int64_t positions = loaded_of(model).cache_positions_in(share_of_memory);
  const int max_batch = loaded_of(model).device.info().preferred_batch;
  const int batch = static_cast<int>(std::clamp<int64_t>(positions / usual_page, 1, max_batch));
  log_debug("batch.chosen",
            {{"batch", batch}, {"positions", positions}, {"of_a_page", usual_page}, {"max_batch", max_batch}});
  return batch;
}

}  // namespace lectern
