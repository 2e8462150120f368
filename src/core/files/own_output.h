// Marks in files written by Lectern, and their detection, so that one run does not read the outputs of another as
// inputs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lectern {

// A line for the head of a PDF.
inline constexpr std::string_view pdf_mark = "% written by Lectern\n";

// Of JSON: what the value of "schema" at its beginning starts with; or a key, in a journal's first line.
inline constexpr std::string_view json_mark = "lectern-";
inline constexpr std::string_view journal_mark = "lectern_journal";

// Of tensors: the value of "written_by" in "__metadata__".
inline constexpr std::string_view tensors_mark = "lectern";

// Adds a text chunk that names Lectern. Throws Error if the bytes are not a PNG.
std::string with_png_mark(std::string_view png);

// Whether a file that is no text bears such a mark; or, since older ones have none, is called as a companion of a
// document that lies beside it: NAME.boxes.png, or page-*.png in NAME_boxes/ or NAME_figures/.
bool is_own_output(const std::filesystem::path& file);

}  // namespace lectern
