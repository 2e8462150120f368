// Input of passwords other than on the command line, where every user of the machine can read them.
#pragma once

#include <string>

namespace lectern::cli {

// The first line of the file; "-" asks on the terminal, without showing what is typed. Throws Error, and Stopped when
// Ctrl-C is typed in place of a password.
std::string read_password(const std::string& file);

}  // namespace lectern::cli
