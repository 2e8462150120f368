#include "cli/output_options.h"

#include <fmt/format.h>

#include <map>

namespace lectern::cli {
namespace {

// An option whose words stand for values.
template <class Value>
void add_choice(CLI::App& command, const std::string& name, Value& value, const std::map<std::string, Value>& words,
                const std::string& help) {
  std::string type;
  for (const auto& [word, meaning] : words) type += (type.empty() ? "" : "|") + word;
  command
      .add_option_function<std::string>(
          name,
          [&value, words, name, type](const std::string& word) {
            const auto found = words.find(word);
            if (found == words.end()) throw CLI::ValidationError(name, "'" + word + "' is not one of " + type);
            value = found->second;
          },
          help)
      ->type_name(type);
}

void add_keep_or_drop(CLI::App& command, const std::string& name, bool& value, const std::string& what) {
  add_choice<bool>(command, name, value, {{"keep", true}, {"drop", false}},
                   fmt::format("{} (default: {})", what, value ? "keep" : "drop"));
}

}  // namespace

void add_output_options(CLI::App& command, OutputArguments& arguments) {
  std::string formats;
  for (const FormatName& format : format_names()) {
    formats += fmt::format("{}{} ({})", formats.empty() ? "" : "; ", format.name, format.meaning);
  }
  command
      .add_option("-o,--output", arguments.out,
                  "A file, or a folder that gets NAME.FORMAT for each input (default: standard output)")
      ->type_name("FILE|FOLDER");
  command
      .add_option("--format", arguments.formats,
                  "One or several, as in md,json (default: what the extension of --output says): " + formats)
      ->type_name("FORMAT,...")
      ->delimiter(',');
  command.add_flag("--raw", arguments.raw, "The same as --format raw");
  command.add_flag("--boxes", arguments.boxes, "The same as --format boxes");
  OutputOptions& options = arguments.options;
  using Tables = OutputOptions::Tables;
  using Formulas = OutputOptions::Formulas;
  add_choice<Tables>(
      command, "--tables", options.tables, {{"html", Tables::html}, {"pipe", Tables::pipe}},
      "Tables in Markdown: html, as the model writes them (default), or pipe, where no cells are merged");
  add_choice<Formulas>(command, "--formulas", options.formulas,
                       {{"dollar", Formulas::dollar}, {"paren", Formulas::paren}},
                       "Formulas in Markdown: dollar for $ and $$ (default), or paren for \\( and \\[");
  add_keep_or_drop(command, "--figures", options.figures,
                   "Figures in Markdown, as pictures in a folder beside the file");
  add_keep_or_drop(command, "--headers", options.headers, "Page headers in md, txt and html");
  add_keep_or_drop(command, "--footers", options.footers, "Page footers in md, txt and html");
  add_keep_or_drop(command, "--page-numbers", options.page_numbers, "Page numbers in md, txt and html");
  add_keep_or_drop(command, "--page-breaks", options.page_breaks,
                   "Marks between pages in md (a rule) and txt (a form feed)");
}

std::vector<std::string> asked_formats(const OutputArguments& arguments) {
  std::vector<std::string> names = arguments.formats;
  if (arguments.raw) names.emplace_back("raw");
  if (arguments.boxes) names.emplace_back("boxes");
  return names;
}

}  // namespace lectern::cli
