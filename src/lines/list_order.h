// Lists set in columns side by side whose rows look like those of a table: what was read tells that they go down.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "lectern/page.h"
#include "lines/text_page.h"

namespace lectern {

// The number of an item of a list or a note that a line begins with: "12." or "3)"; 0 where it has none.
int item_number(std::string_view line);

// Entries of a list down its columns, each as the numbers of its lines: they are in alphabetical order, or numbered,
// from the top of the first column to the foot of the last. Empty for other tables.
std::vector<std::vector<size_t>> entries_down(const TextBlock& table, std::span<const PageLine> lines);

}  // namespace lectern
