// Text of a page as found in its ink, before it is read: blocks in reading order, their lines and words. Boxes are in
// pixels of the straightened page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/picture.h"
#include "image/pixel_box.h"
#include "lectern/enums.h"
#include "lectern/page.h"

namespace lectern {

// The words of a line within one column.
struct TextLine {
  PixelBox box;
  int height = 0;    // from the top of tall letters to the foot of low ones
  int letter = 0;    // height of most of its letters, those without ascender
  double pitch = 0;  // from letter to letter in monospaced print, as of a typewriter or in code; 0 in other print
  std::vector<PixelBox> words;
  // Words that are check boxes.
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

// A page without lines of text has no blocks. Throws nothing.
TextPage find_text(const Picture& page);

// Maps a box of the straightened page back to the page before: it keeps its size and moves with its middle.
Box on_page(const TextPage& page, const PixelBox& box);

}  // namespace lectern
