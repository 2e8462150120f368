// The printed text of a page as its ink shows it: blocks in reading order, their lines and words, measured in pixels
// of the straightened page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/picture.h"
#include "image/pixel_box.h"
#include "lectern/enums.h"
#include "lectern/page.h"

namespace lectern {

// Words of one line that stand in one column.
struct TextLine {
  PixelBox box;
  int height = 0;    // from the top of tall letters to the foot of low ones
  int letter = 0;    // height that most of its letters have, that is of those without ascender
  double pitch = 0;  // from letter to letter where all are as wide, as of a typewriter or in code; 0 elsewhere
  std::vector<PixelBox> words;
  // Words that are boxes to be ticked.
  struct Check {
    size_t word = 0;
    bool ticked = false;
  };
  std::vector<Check> checks;
};

struct TextBlock {
  BlockKind kind = BlockKind::text;  // or title, or table
  PixelBox box;
  std::vector<TextLine> lines;  // of a table: its cells, row by row
  // Of a table: for every line its row and column, both from 0. Empty otherwise.
  struct Cell {
    int row = 0;
    int column = 0;
  };
  std::vector<Cell> cells;
};

struct TextPage {
  Picture picture;   // straightened
  double angle = 0;  // degrees clockwise by which it was turned to be straight
  std::vector<TextBlock> blocks;
};

// Throws nothing; a page without lines of text has no blocks.
TextPage find_text(const Picture& page);

// A box of the straightened page in pixels of the page before: it keeps its size and moves with its middle.
Box on_page(const TextPage& page, const PixelBox& box);

}  // namespace lectern
