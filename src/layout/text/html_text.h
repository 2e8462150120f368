// HTML within the text that a model writes: tables and the tags of running text, through libgumbo.
//
// Known tags are those that the models write: table, caption, thead, tbody, tfoot, tr, td, th with any attributes; sup,
// sub, b, strong, i, em, u, br, center, p, div, ul, ol, li without. Everything else that looks like a tag, and an &
// that begins no entity, is text. No text is lost, however the tags lie. Time is linear in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// Bits of a style.
inline constexpr uint8_t style_strong = 1, style_italic = 2, style_superscript = 4, style_subscript = 8;
inline constexpr uint8_t style_break = 32;  // of a line break that was written as br

struct StyledText {
  std::string text;
  std::vector<uint8_t> styles;  // one for each byte

  void append(std::string_view more, uint8_t style) {
    text += more;
    styles.resize(text.size(), style);
  }
  StyledText slice(size_t begin, size_t end) const {
    const auto at = [&](size_t i) { return styles.begin() + static_cast<std::ptrdiff_t>(i); };
    return {text.substr(begin, end - begin), {at(begin), at(end)}};
  }
};

struct HtmlCell {
  StyledText text;  // white space as single spaces, br as a line break
  int row_span = 1, column_span = 1;
  bool heading = false;
};

enum class TableSection : uint8_t { none, head, body, foot };

struct HtmlRow {
  std::vector<HtmlCell> cells;
  TableSection section = TableSection::none;  // as written
};

// Text as it stands, or a table. Text within a table and outside of its cells comes before it.
struct HtmlPart {
  bool table = false;
  StyledText text;
  std::vector<HtmlRow> rows;
};

// Valid UTF-8 in, valid UTF-8 out. Cells that stand outside of every table are a table of their own; the half of a tag
// that the end of the text cuts off within a table is dropped.
std::vector<HtmlPart> parse_html(std::string_view text);

}  // namespace lectern
