#include "reading/page_readers.h"

#include <algorithm>

#include "core/log.h"
#include "engine/loaded_model.h"
#include "reading/lines_page_reader.h"
#include "reading/model_page_reader.h"
#include "reading/model_parts.h"
#include "reading/worker/worker_model.h"

namespace lectern {
namespace {

// Views are small and their text is short: many together keep the processor busy.
constexpr int views_together = 16;

}  // namespace

bool reads_lines(const Model& model, const ReadOptions& options) {
  return files_of(model).checkpoint.config().rows && asks_for_lines(options, files_of(model).description());
}

std::unique_ptr<PageReader> make_page_reader(const Model& model, const ReadOptions& options, int batch) {
  if (worker_of(model)) return worker_of(model)->make_reader(options, batch);
  if (!reads_lines(model, options)) return std::make_unique<ModelPageReader>(model, options, batch);
  const ModelConfig& config = loaded_of(model).checkpoint.config();
  const RowFormat format{config.native_size, config.rows->row_height, config.rows->ink_height,
                         config.rows->piece_width};
  const int together = std::max(batch, views_together);
  log_info("reader.reads_lines", {{"because", "the model was trained on rows of text"},
                                  {"batch", batch},
                                  {"views_together", together},
                                  {"row_height", format.row_height}});
  return std::make_unique<LinesPageReader>(std::make_unique<ModelPageReader>(model, options, together), format,
                                           config.model, options, batch);
}

}  // namespace lectern
