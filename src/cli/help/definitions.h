// Definitions of commands and options, read back from the parser, so that completions and the manual cannot
// contradict it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::cli {

inline constexpr std::string_view list_mark = ",...";

struct OptionDefinition {
  std::vector<std::string> names;  // "-o", "--output"; of an argument without dashes its one name
  std::string value;               // "FILE|FOLDER", "f32|bf16|q8|q4"; empty for a flag
  std::string description;
  bool argument = false;  // stands without a name
  bool required = false;
  bool repeats = false;

  // The alternatives of `value` that are words to type as they are; "locate:TEXT" gives "locate:".
  std::vector<std::string> words() const;
  // Whether several of them may stand there with commas between, as "md|txt,..." says.
  bool is_list() const { return value.ends_with(list_mark); }
  // Whether a file, or a folder, may stand there.
  bool takes_file() const;
  bool takes_folder() const;
};

struct CommandDefinition {
  std::string name;
  std::string description;
  std::vector<OptionDefinition> options;  // arguments first
};

std::vector<CommandDefinition> definitions_of(const CLI::App& app);

}  // namespace lectern::cli
