// libFuzzer target: what a model might write goes through the parser of layout tags and the handling of tables and
// formulas; boxes must lie on the page, text must be UTF-8, and nothing of the model's markup may get through.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "layout/block_text.h"
#include "layout/html_table.h"
#include "layout/layout.h"
#include "layout/markup.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lectern;
  constexpr int width = 700, height = 900;
  const Layout layout = parse_layout({reinterpret_cast<const char*>(data), size}, width, height);
  for (const Block& block : layout.blocks) {
    if (block.boxes.size() != block.raw_boxes.size()) std::abort();
    for (const Box& box : block.boxes) {
      const bool on_page = 0 <= box.left && box.left < box.right && box.right <= width && 0 <= box.top &&
                           box.top < box.bottom && box.bottom <= height;
      if (!on_page) std::abort();
    }
    if (valid_utf8(block.text) != block.text || valid_utf8(block.label) != block.label) std::abort();
    plain_text(block);
    with_dollar_formulas(block.text);
    for (const TextSegment& segment : split_at_tables(block.text)) {
      mended_table(segment.text);
      const auto rows = table_rows(segment.text);
      pipe_table(rows);
      if (safe_table(rows).find("<s") != std::string::npos) std::abort();
    }
  }
  return 0;
}
