// Options of commands that write documents: formats, destination, layout.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "output/writer.h"

namespace lectern::cli {

struct OutputArguments {
  std::string out;                   // as OutputNames takes it
  std::vector<std::string> formats;  // names, as given with --format
  bool raw = false, boxes = false;
  OutputOptions options;
};

// Adds --output, --format and the switches of OutputOptions.
void add_output_options(CLI::App& command, OutputArguments& arguments);

bool to_stdout(const OutputArguments& arguments);

// Throws Error, which says why, where a file that standard output cannot stand for is named "-".
void refuse_standard_output(const std::string& file, std::string_view option, std::string_view why);

// The formats asked for, each once; else that of the extension of --output; else `usual`. --raw and --boxes are added
// to it or, on standard output, which takes one format, replace it. Throws Error for an unknown name or extension, and
// for bytes that would go to a terminal.
std::vector<Format> chosen_formats(const OutputArguments& arguments, Format usual);

}  // namespace lectern::cli
