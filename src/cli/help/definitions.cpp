#include "cli/help/definitions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>

namespace lectern::cli {
namespace {

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

std::vector<std::string> alternatives(const std::string& value) {
  std::vector<std::string> parts;
  std::istringstream text(value);
  for (std::string part; std::getline(text, part, '|');) parts.push_back(part);
  return parts;
}

bool has_alternative(const std::string& value, std::initializer_list<std::string_view> wanted) {
  return std::ranges::any_of(alternatives(value), [&](const std::string& part) {
    return std::ranges::find(wanted, std::string_view(part)) != wanted.end();
  });
}

OptionDefinition definition(const CLI::Option& option) {
  OptionDefinition found;
  found.argument = option.get_positional();
  if (found.argument) {
    found.names = {option.get_single_name()};
    // An argument without a type is described by its name: FILE, MODEL.
    found.value = option.get_type_name().empty() ? found.names[0] : option.get_type_name();
  } else {
    for (const std::string& name : option.get_snames()) found.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) found.names.push_back("--" + name);
    if (option.get_items_expected_max() > 0) found.value = option.get_type_name();
  }
  found.description = option.get_description();
  found.required = option.get_required();
  found.repeats = option.get_items_expected_max() > 1;
  return found;
}

}  // namespace

std::vector<std::string> OptionDefinition::words() const {
  std::vector<std::string> words;
  for (std::string part : alternatives(is_list() ? value.substr(0, value.size() - list_mark.size()) : value)) {
    while (!part.empty() && is_upper(part.back())) part.pop_back();
    if (!part.empty() && std::ranges::none_of(part, is_upper)) words.push_back(part);
  }
  return words;
}

bool OptionDefinition::takes_file() const { return has_alternative(value, {"FILE", "INPUT", "IMAGE", "RAW", "PAGES"}); }
bool OptionDefinition::takes_folder() const { return has_alternative(value, {"FOLDER", "DIR", "MODEL"}); }

std::vector<CommandDefinition> definitions_of(const CLI::App& app) {
  std::vector<CommandDefinition> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandDefinition found{command->get_name(), command->get_description(), {}};
    for (const CLI::Option* option : command->get_options()) found.options.push_back(definition(*option));
    std::stable_partition(found.options.begin(), found.options.end(),
                          [](const OptionDefinition& option) { return option.argument; });
    commands.push_back(std::move(found));
  }
  return commands;
}

}  // namespace lectern::cli
