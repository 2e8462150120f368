// Rows for a small model that was trained on them: text lines cut into pieces of one size, stacked in square views.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/picture.h"
#include "lines/text_page.h"

namespace lectern {

// Sizes that a model was trained on, in pixels; from "lectern" in config.json.
struct RowFormat {
  int view = 256;         // side of a view
  int row_height = 64;    // rows of a view: view / row_height
  int ink_height = 27;    // from the top of tall letters to the foot of low ones
  int piece_width = 244;  // at most

  int rows() const { return view / row_height; }
};

// Consecutive words of a line, or a part of a word that is wider than a row.
struct TextPiece {
  size_t block = 0;
  size_t line = 0;
  size_t first_word = 0;
  size_t words = 1;
  PixelBox box;
  double scale = 1;        // from the page to the row
  bool continues = false;  // the word goes on in the next piece
  std::string text{};      // if it is known without a model, as for a check box
};

// In reading order.
std::vector<TextPiece> cut_into_pieces(const TextPage& page, const RowFormat& format);

// Pictures [view, view], dark on light, each with `rows` pieces in order, at most format.rows(); the last one may have
// fewer.
std::vector<Picture> stack_pieces(const TextPage& page, std::span<const TextPiece> pieces, const RowFormat& format,
                                  size_t rows);

}  // namespace lectern
