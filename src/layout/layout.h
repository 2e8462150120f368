// Parser of the layout that the model writes with its grounding prompts: tags, in every spelling of layout_tags.h, with
// the text behind them become blocks.
//
//   <|ref|>title<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|>
//   # A title
//
// Coordinates run from 0 to 999 over the width and the height of the page as it was given, padding or tiles aside.
//
// A tag within a sentence is no new block: its words are text, with boxes of their own.
//
// Malformed tags lose no text: a label without boxes still starts a block, invalid coordinates are kept as text, and of
// a marker outside a tag only the marker itself is dropped. Time is linear in the input.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "layout/layout_tags.h"
#include "lectern/page.h"

namespace lectern {

struct Layout {
  std::vector<Block> blocks;      // in the order written; boxes[i] is raw_boxes[i] in pixels
  std::vector<Warning> warnings;  // code "malformed_tag"
};

// `raw` may be any bytes; what is not UTF-8 becomes U+FFFD. Boxes are put in order, brought within the page and at
// least one pixel wide and high. Where no block of a page has text, the labels are what was read (as for the prompts
// that locate a text or read words with their boxes) and become the text as well. `scores` of the bytes of `raw`
// (core/confidence.h) give blocks their confidence; none: they have none.
Layout parse_layout(std::string_view raw, int page_width, int page_height, std::span<const float> scores = {});

// Gives a page the blocks of what the model wrote for it, page.raw, and the warnings about them; where it has the
// log-probabilities of its tokens and their ends, their confidence too.
void lay_out(Page& page);

}  // namespace lectern
