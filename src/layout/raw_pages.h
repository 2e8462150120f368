// Splitting the raw output of a whole document into pages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

// What the published code writes behind every page.
inline constexpr std::string_view page_split = "\n\n<--- Page Split --->\n";
// As Unlimited-OCR begins a page, in a line of its own.
inline constexpr std::string_view page_begin = "<PAGE>";

// Splits at lines <--- Page Split --->, before <PAGE> at the start of a line, and at form feeds, without the tokens
// that mark the beginning and the end of a sentence. What stands behind the last mark is a page if it has text, and
// behind <PAGE> without: a blank page counts. At least one page. The pages of a text of one page are that text to the
// byte.
std::vector<std::string> split_raw_pages(std::string_view raw);

// A page within a text: bytes begin .. end - 1, without the <PAGE> before it and the line break behind that.
struct RawPart {
  std::size_t begin = 0;
  std::size_t end = 0;
};
// The pages that a model wrote in one sequence, of `expected` pages: parted at every <PAGE>, or where those are too
// many at those that begin a line. Text before the first <PAGE> is a page. At least one, which may be empty.
std::vector<RawPart> raw_parts(std::string_view raw, std::size_t expected);

}  // namespace lectern
