// Clean text of views of lines: without special tokens and nonsense, and up to stop strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lectern/page.h"
#include "lines/read_lines.h"

namespace lectern {

// The text of a view without special tokens that the model may have written.
RowText text_of_view(const Page& view);

// The text of one row of which several lines were read: scraps of neighbouring lines are read as nonsense, so only
// lines at least half as sure as the surest are kept.
RowText on_one_line(const RowText& view);

// Where the first of the strings begins, at or after `from`; npos without one.
size_t first_stop(const std::string& text, const std::vector<std::string>& stops, size_t from);

// Bytes at the end of the text that may be the beginning of one of the strings.
size_t beginning_of_stop(std::string_view text, const std::vector<std::string>& stops);

}  // namespace lectern
