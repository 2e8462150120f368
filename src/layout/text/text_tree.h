// The text of a block as a tree: elements (paragraphs, headings, list items, tables, code), rows, cells, and runs of
// text of one style. Every format is written from it, each with escapes of its own; the marks of the model's Markdown
// and HTML are in the tree, everything else that was printed is in the text of its runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layout/text/html_text.h"
#include "lectern/page.h"

namespace lectern {

// Beside those of html_text.h: between single asterisks.
inline constexpr uint8_t style_starred = 16;

struct TextRun {
  enum class Kind : uint8_t { text, formula, code, link, picture };
  Kind kind = Kind::text;
  uint8_t style = 0;   // bits
  std::string text;    // as printed, \n for a line break; a formula with its delimiters \( \), \[ \], $ or $$
  std::string target;  // of a link or a picture
};
using TextRuns = std::vector<TextRun>;

struct TableCell {
  TextRuns runs;
  int row_span = 1, column_span = 1;
  bool heading = false;
};

struct TableRow {
  std::vector<TableCell> cells;
  TableSection section = TableSection::none;
};

struct TextElement {
  enum class Kind : uint8_t { paragraph, heading, item, table, code };
  Kind kind = Kind::paragraph;
  int line_breaks = 0;  // between it and the element before it; at least one, none for the first
  int level = 0;        // of a heading, 1 to 6
  std::string prefix;   // of a list's item, as written: "- ", "  2. "; of code, its language
  TextRuns runs;        // of code: one
  std::vector<TableRow> rows;
  bool pipes = false;  // the table was written in Markdown
};
using TextTree = std::vector<TextElement>;

TextTree parse_text(const Block& block);

// Whether anything is printed in it.
bool is_empty(const TextRuns& runs);
bool is_empty(const std::vector<TableRow>& rows);

// Whether a block is shown as the part of the page that it covers: a picture, or a table of which nothing was read.
bool is_figure(const Block& block);

}  // namespace lectern
