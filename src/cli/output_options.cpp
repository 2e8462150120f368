#include "cli/output_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "job/outputs.h"
#include "lectern/error.h"

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

std::vector<Format> named_formats(const OutputArguments& arguments) {
  std::vector<Format> formats;
  for (const std::string& name : arguments.formats) formats.push_back(format_named(name));
  return formats;
}

}  // namespace

void add_output_options(CLI::App& command, OutputArguments& arguments) {
  std::string formats, words;
  for (const FormatInfo& format : format_infos()) {
    formats += fmt::format("{}{} ({})", formats.empty() ? "" : "; ", format.name(), format.meaning);
    words += fmt::format("{}{}", words.empty() ? "" : "|", format.name());
  }
  command
      .add_option("-o,--output", arguments.out,
                  "A file, or a folder that gets NAME.FORMAT for each input: one that is there, ends in /, or, for "
                  "several inputs or formats, has no extension (default: standard output)")
      ->type_name("FILE|FOLDER");
  command
      .add_option("--format", arguments.formats,
                  "One or several, as in md,json (default: what the extension of --output says): " + formats)
      ->type_name(words + ",...")
      ->delimiter(',');
  command.add_flag("--raw", arguments.raw,
                   "What the model wrote, byte for byte, as NAME.mmd beside the other formats, or on standard output "
                   "in their place");
  command.add_flag("--boxes", arguments.boxes,
                   "The pictures of the pages with boxes drawn, as NAME.boxes.png beside the other formats");
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
  using ExistingText = OutputOptions::ExistingText;
  add_choice<ExistingText>(
      command, "--existing-text", options.existing_text,
      {{"skip", ExistingText::skip}, {"redo", ExistingText::redo}, {"force", ExistingText::force}},
      "Pages of a PDF that have text already, when the format is pdf: skip leaves them as they are "
      "(default), redo reads those anew whose text is hidden, force makes all pictures with the text "
      "that was read");
  command.add_flag("--decrypt", options.decrypt, "Allow an encrypted PDF to become a PDF that everybody can open");
  command.add_flag("--invalidate-signatures", options.invalidate_signatures,
                   "Allow a signed PDF to become a PDF whose signatures no longer hold");
}

bool to_stdout(const OutputArguments& arguments) { return arguments.out.empty() || arguments.out == "-"; }

void refuse_standard_output(const std::string& file, std::string_view option, std::string_view why) {
  if (file != "-") return;
  throw Error(fmt::format("{} -: does not go to standard output: {}; give another name, or ./- for one of that name",
                          option, why));
}

std::vector<Format> chosen_formats(const OutputArguments& arguments, Format usual) {
  const bool instead = to_stdout(arguments) && (arguments.raw || arguments.boxes) && arguments.formats.empty();
  std::vector<Format> formats;
  if (!instead) formats = formats_for(arguments.out, named_formats(arguments), usual);
  const auto add = [&](Format format) {
    if (std::ranges::find(formats, format) == formats.end()) formats.push_back(format);
  };
  if (arguments.raw) add(Format::raw);
  if (arguments.boxes) add(Format::boxes);
  if (to_stdout(arguments) && ::isatty(STDOUT_FILENO) != 0) {
    for (const Format format : formats) {
      if (format_info(format).for_terminals) continue;
      throw Error(fmt::format("--format {} is not for a terminal; name a file with -o", format_info(format).name()));
    }
  }
  return formats;
}

}  // namespace lectern::cli
