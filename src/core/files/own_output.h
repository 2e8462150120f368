// How files say that Lectern wrote them, and how such files are told from others, so that what one run wrote is not
// read by the next.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lectern {

// A line for the head of a PDF.
inline constexpr std::string_view pdf_mark = "% written by Lectern\n";

// The PNG with a text chunk that names Lectern. Throws Error for what is no PNG.
std::string with_png_mark(std::string_view png);

// Whether a picture or PDF bears such a mark; or, since older ones have none, is called as a companion of a document
// that lies beside it: NAME.boxes.png, or page-*.png in NAME_boxes/ or NAME_figures/.
bool is_own_output(const std::filesystem::path& file);

}  // namespace lectern
