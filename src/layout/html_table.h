// The tables that the model writes, as HTML within its text: found, mended, and turned into what a format needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern {

struct TableCell {
  std::string html;  // between the tags of the cell, as written; tags within included
  int row_span = 1, column_span = 1;
  bool heading = false;
};
using TableRow = std::vector<TableCell>;

// Of a text, in order: tables, and what stands between them.
struct TextSegment {
  bool table = false;
  std::string_view text;  // a table from <table to </table>, or to the end of the text
};
std::vector<TextSegment> split_at_tables(std::string_view text);

// The rows, however the tags lie: cells and rows that are not closed end where the next begins, text outside of every
// cell becomes a cell, tables within a cell are part of its text. Spans are at most 1000.
std::vector<TableRow> table_rows(std::string_view html);

// Byte for byte where every tag is closed in order; else with the tags that are missing and without half a tag at
// the end.
std::string mended_table(std::string_view html);

bool has_spans(const std::vector<TableRow>& rows);

// A pipe table of Markdown; the first row is its head. Not for rows with spans.
std::string pipe_table(const std::vector<TableRow>& rows);

// Only table, tr, th and td with their spans, and br; text decoded and escaped anew, so that nothing else gets through.
std::string safe_table(const std::vector<TableRow>& rows);

// A row a line, cells parted by `separator`, text without tags and in one line. Where cells are merged there is nothing
// between separators, so that columns stay what they are.
std::string table_text(const std::vector<TableRow>& rows, std::string_view separator);

// Without tags (br becomes `line_break`), entities decoded, other white space as single spaces.
std::string cell_text(std::string_view html, std::string_view line_break);

}  // namespace lectern
