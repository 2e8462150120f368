// The raw output of a whole document, and its pages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// What the published code writes behind every page.
inline constexpr std::string_view page_split = "\n\n<--- Page Split --->\n";

// Parted at the lines <--- Page Split --->, before <PAGE> at the start of a line, and at form feeds, without the tokens
// that mark the beginning and the end of a sentence; what stands behind the last mark is a page only if it has text. At
// least one page. The pages of a text of one page are that text to the byte.
std::vector<std::string> split_raw_pages(std::string_view raw);

}  // namespace lectern
