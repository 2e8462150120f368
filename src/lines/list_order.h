// Lists in columns side by side that look like rows of a table: their text shows that they run down the columns.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "lectern/page.h"
#include "lines/text_page.h"

namespace lectern {

// Number of the list item or note that the line begins with: "12." or "3)"; 0 for a line without one.
int item_number(std::string_view line);

// Entries of a list that runs down its columns, each as indices of its lines. Such a list is in alphabetical order, or
// numbered, from the top of the first column to the foot of the last. Empty for other tables.
std::vector<std::vector<size_t>> entries_down(const TextBlock& table, std::span<const PageLine> lines);

}  // namespace lectern
