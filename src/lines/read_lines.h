// Mapping of the text of view rows back to the page: words, lines and blocks with their boxes and confidences.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lectern/page.h"
#include "lines/pieces.h"
#include "lines/text_page.h"

namespace lectern {

struct RowText {
  std::string text;
  std::vector<float> scores{};  // of its bytes, as byte_scores gives them; or none
};

// What a model wrote for a view, a line of text for each of its rows; nothing where their number differs, since then
// nobody knows what belongs to which row.
std::optional<std::vector<RowText>> split_rows(const RowText& view, size_t rows);

// Blocks in reading order, from the texts of all pieces. Boxes are in pixels of the page before it was straightened.
// Lines of a paragraph are joined, and words parted at the end of a line mended; a table is written as HTML.
std::vector<Block> read_blocks(const TextPage& page, const std::vector<TextPiece>& pieces,
                               const std::vector<RowText>& texts);

}  // namespace lectern
