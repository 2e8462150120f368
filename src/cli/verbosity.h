// -v and -vv on every command, and LECTERN_LOG: the log (lectern/log.h) on standard error.
#pragma once

#include <CLI/CLI.hpp>

namespace lectern::cli {

struct Verbosity {
  int before = 0;  // of -v in front of the command
  int behind = 0;  // and behind it
  bool given() const { return before + behind > 0; }
};

void add_verbosity(CLI::App& app, Verbosity& verbosity);

// The level that -v asks for; without it, what LECTERN_LOG says. Throws Error for a word that is none.
void start_log(const Verbosity& verbosity);

}  // namespace lectern::cli
