// -v and -vv on every command, and LECTERN_LOG: the log (lectern/log.h) on standard error.
#pragma once

#include <CLI/CLI.hpp>

namespace lectern::cli {

struct Verbosity {
  int before = 0;  // number of -v before the command
  int behind = 0;  // and after it
  bool given() const { return before + behind > 0; }
};

void add_verbosity(CLI::App& app, Verbosity& verbosity);

// The level that -v asks for, else that of LECTERN_LOG. Throws Error for an unknown word in it.
void start_log(const Verbosity& verbosity);

}  // namespace lectern::cli
