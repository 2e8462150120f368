// libFuzzer target: what a model might write goes through the parser of layout tags and of its text into every kind of
// text that is written; boxes must lie on the page, text must be UTF-8, and nothing of the model's markup may get
// through.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "layout/layout.h"
#include "layout/markup.h"
#include "layout/tag_filter.h"
#include "layout/text/block_text.h"
#include "layout/word_boxes.h"
#include "output/html/block_html.h"
#include "output/text/markdown_text.h"

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
    for (const TextSpan& span : block.spans) {
      if (span.begin > span.end || span.end > block.text.size()) std::abort();
    }
    plain_text(block);
    markdown_block(block, {});
    const std::string html = block_html(block);
    for (const std::string_view tag : {"<scr", "<img", "<svg", "<ifr", "<!--"}) {
      if (html.find(tag) != std::string::npos) std::abort();
    }
    place_words(block, {0, 0, width, height});
  }
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  TagFilter filter;
  filter.push(raw.substr(0, size / 2));
  filter.push(raw.substr(size / 2));
  filter.finish();
  return 0;
}
