#include "cli/help/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/help/definitions.h"
#include "lectern/error.h"

namespace lectern::cli {
namespace {

constexpr size_t columns = 80;
constexpr size_t description_column = 30;

// Text in lines of `columns`, broken between words, all but the first indented; the first begins at `column`.
std::string wrapped(std::string_view text, size_t column, size_t indent) {
  std::string result;
  std::istringstream words{std::string(text)};
  bool line_is_empty = true;
  for (std::string word; words >> word;) {
    if (!line_is_empty && column + 1 + word.size() > columns) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
      line_is_empty = true;
    }
    if (!line_is_empty) result += ' ';
    column += word.size() + (line_is_empty ? 0 : 1);
    result += word;
    line_is_empty = false;
  }
  return result;
}

std::string row(const std::string& name, std::string_view description) {
  std::string text = "  " + name;
  if (description.empty()) return text + '\n';
  if (text.size() + 1 >= description_column) {
    text += '\n' + std::string(description_column, ' ');
  } else {
    text.resize(description_column, ' ');
  }
  return text + wrapped(description, description_column, description_column) + '\n';
}

// Headings for the options of commands that have many; what is not here stands below "Options".
struct Group {
  const char* heading;
  std::vector<std::string_view> options;
};
const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {"Pages", {"--pages", "--dpi", "--password", "--password-file", "--orient", "--image"}},
      {"Reading", {"--prompt", "--mode", "--force-mode", "--max-tokens", "--batch", "--logprobs"}},
      {"Output",
       {"--output", "--format", "--raw", "--boxes", "--tables", "--formulas", "--figures", "--headers", "--footers",
        "--page-numbers", "--page-breaks", "--existing-text", "--decrypt", "--invalidate-signatures"}},
      {"Model and device", {"--model", "--weights", "--device", "--without", "--threads"}},
      {"Documents", {"--data", "--keep-jobs", "--max-data", "--max-document", "--max-jobs"}},
      {"Run", {"--resume", "--restart", "--report", "--review-below", "--progress", "--quiet", "--operators", "-v"}},
  };
  return all;
}
constexpr size_t many_options = 12;

void group_options(CLI::App& command) {
  if (command.get_options().size() < many_options) return;
  for (const Group& group : groups()) {
    for (CLI::Option* option : command.get_options()) {
      const bool here = std::ranges::any_of(
          group.options, [&](std::string_view name) { return option->check_name(std::string(name)); });
      if (here && !option->get_positional()) option->group(group.heading);
    }
  }
}

class WrappingFormatter : public CLI::Formatter {
 public:
  // Without a second "..." behind a list's own.
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    const std::string twice = std::string(list_mark) + " ...";
    if (const size_t at = text.find(twice); at != std::string::npos) text.replace(at, twice.size(), list_mark);
    return text;
  }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return row(make_option_name(option, is_positional) + make_option_opts(option), make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return row(command->get_display_name(true), command->get_description());
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(app->get_description(), 0, 0) + '\n';
  }
};

}  // namespace

void wrap_help(CLI::App& app) {
  const auto formatter = std::make_shared<WrappingFormatter>();
  app.formatter(formatter);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->formatter(formatter);
    group_options(*command);
  }
}

Command add_help(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("help", "Explain a command, or list them all");
  auto name = std::make_shared<std::string>();
  command->add_option("command", *name, "The command to explain")->type_name("COMMAND");
  return [&app, name] {
    const auto found = app.get_subcommands([&](const CLI::App* other) { return other->get_name() == *name; });
    if (found.empty() && !name->empty()) {
      throw Error(fmt::format("there is no command '{}'; see lectern --help", *name));
    }
    // The whole program's own, since app.help() is that of the command that was given: this one.
    fmt::print("{}", found.empty() ? app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal)
                                   : found[0]->help(app.get_name()));
    return exit_done;
  };
}

}  // namespace lectern::cli
