// Text that was read of views of lines: without tokens and nonsense, and up to strings that end the page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lectern/page.h"
#include "lines/read_lines.h"

namespace lectern {

// The plain text of a view, without special tokens that a model may write.
RowText text_of_view(const Page& view);

// Of several lines that were read of one row, what remains of other lines in it is read as nonsense: only lines that
// are at least half as sure as the surest are kept.
RowText on_one_line(const RowText& view);

// Where the first of the strings begins, at `from` or behind; npos where none does.
size_t first_stop(const std::string& text, const std::vector<std::string>& stops, size_t from);

// Bytes at the end of the text with which one of the strings may begin.
size_t beginning_of_stop(std::string_view text, const std::vector<std::string>& stops);

}  // namespace lectern
