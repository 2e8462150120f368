// The text of a block as people read it, for formats that know no markup.
#pragma once

#include <string>
#include <vector>

#include "layout/text/text_tree.h"

namespace lectern {

// Without the marks of Markdown for headings and bold text and without tags; rows of tables are lines with tabs between
// their cells, where empty and merged cells leave room for what they cover. Raised and lowered text begins with ^ or _.
std::string plain_text(const Block& block);

std::string plain_text(const TextTree& tree);
std::string plain_text(const TextRuns& runs);

// A row a line, cells parted by `separator`, each in one line.
std::string plain_text(const std::vector<TableRow>& rows, std::string_view separator);

// The columns at which the cells of each row begin, with room for cells above that reach into the row. Rows of more
// than max_aligned_columns columns count every cell as one.
inline constexpr size_t max_aligned_columns = 100;
std::vector<std::vector<size_t>> cell_columns(const std::vector<TableRow>& rows);

}  // namespace lectern
