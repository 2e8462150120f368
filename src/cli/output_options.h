// What every command that writes documents takes: formats, where they go, and how they look.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "document/writers/writer.h"

namespace lectern::cli {

struct OutputArguments {
  std::string out;                   // as OutputNames takes it
  std::vector<std::string> formats;  // names, as given with --format
  bool raw = false, boxes = false;
  OutputOptions options;
};

// Adds --output, --format and the switches of OutputOptions.
void add_output_options(CLI::App& command, OutputArguments& arguments);

// The names of the formats asked for, those of --raw and --boxes among them.
std::vector<std::string> asked_formats(const OutputArguments& arguments);

}  // namespace lectern::cli
