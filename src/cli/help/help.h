// Layout of --help, and the command `lectern help`.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace lectern::cli {

// Wraps the help of all commands between words, at 80 columns, and puts many options under headings.
void wrap_help(CLI::App& app);

Command add_help(CLI::App& app);

}  // namespace lectern::cli
