// Reading options resolved for a model, and the number of pages that fit on its device.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "lectern/model.h"
#include "lectern/reader.h"
#include "reading/streamed_text.h"

namespace lectern {

struct ReadSettings {
  // Throws Error for options that the model does not support.
  ReadSettings(const ModelFiles& files, const ReadOptions& given);

  ReadOptions options;
  ViewPlan plan;
  std::optional<ViewPlan> tiled;  // for another attempt; nullopt: the model knows no tiles
  bool by_blocks;                 // each block of the page is read as a page
  Prompt asked;
  std::vector<int32_t> prompt;        // token ids
  std::vector<int32_t> pages_prompt;  // of several pages in one sequence
  Shown shown;
};

// Throws Error for options that the model does not support.
void check_read_options(const Model& model, const ReadOptions& options);

// Throws Error for more tiles than the model, in the mode asked for, cuts a page into: they would change nothing. For
// what somebody asked for; the bound of a server, which holds for all its models and modes, may be larger.
void check_max_tiles(const Model& model, const ReadOptions& options, int pages_together);

// Throws Error if the model does not read so many pages in one sequence with these options.
void check_pages_together(const Model& model, const ReadOptions& options, int pages);

// Pages that a device reads together: `asked`, or for 0 as many as speed it up and fit into its free memory.
int batch_size(const Model& model, int asked);

// Positions of the KV cache for so many pages: their full contexts, or what the memory holds. A page that finds no room
// waits.
int64_t cache_positions(const LoadedModel& loaded, int batch);

}  // namespace lectern
