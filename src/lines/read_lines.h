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
  std::vector<float> scores{};  // of its bytes, as from byte_scores; or empty
};

// Splits what a model wrote for a view into a text for each of its rows. nullopt if the number of lines differs, since
// then it is unknown which line belongs to which row.
std::optional<std::vector<RowText>> split_rows(const RowText& view, size_t rows);

// Blocks in reading order, made of the texts of all pieces. Boxes are in pixels of the page before it was straightened.
// Lines of a paragraph are joined, hyphenated words too; a table is written as HTML.
std::vector<Block> read_blocks(const TextPage& page, const std::vector<TextPiece>& pieces,
                               const std::vector<RowText>& texts);

}  // namespace lectern
