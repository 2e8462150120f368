// Tries, from within the confinement, what it is to keep out: `lectern-pdf --confinement FILE`.
#pragma once

#include <string>

namespace lectern::pdf {

// Confines this process with `file` as its file, and prints a line "ATTEMPT: kept out (reason)" or "ATTEMPT: possible"
// for each attempt. What it attempts changes `file` and what lies beside it, so give it one that may be lost.
// -> exit code: 0 when everything is kept out.
int try_to_break_out(const std::string& file);

}  // namespace lectern::pdf
