// Checks of values on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace lectern::cli {

// A number from min to max; CLI::Range lets "nan" pass.
CLI::Validator number_from_to(double min, double max);

// What is wrong with the options of a command that were given: one that takes a file, a folder or a list, and got "",
// as from a variable of the shell that is not set. Empty where all is well.
std::string empty_value(const CLI::App& command);

}  // namespace lectern::cli
