// lectern completion: what a shell needs to complete lectern's commands, options and their values.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/help/definitions.h"
#include "cli/model_options.h"
#include "hub/model_name.h"

namespace lectern::cli {
namespace {

// What may stand for a value, where names of models are words too.
std::vector<std::string> words_of(const OptionDefinition& option) {
  std::vector<std::string> words = option.words();
  if (option.value == "MODEL") words.insert(words.end(), shipped_model_names.begin(), shipped_model_names.end());
  if (option.value == "MODEL" || option.value == "NAME") words.push_back(hub::deepseek_ocr.text());
  return words;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

// The text within single quotes of a shell.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string bash_values(const OptionDefinition& option) {
  const char* const also = option.takes_file()     ? "files"
                           : option.takes_folder() ? "folders"
                           : option.is_list()      ? "list"
                                                   : "nothing";
  return fmt::format("_lectern_offer {} {}", also, shell_quoted(joined(words_of(option))));
}

// One case of `case "$command" in`: what comes after each option, then the options and the arguments.
std::string bash_case(const CommandDefinition& command) {
  std::string values;
  std::vector<std::string> names;
  std::string arguments = "_lectern_offer nothing ''";
  for (const OptionDefinition& option : command.options) {
    if (option.argument) {
      arguments = bash_values(option);
      continue;
    }
    names.insert(names.end(), option.names.begin(), option.names.end());
    if (!option.value.empty()) {
      values += fmt::format("        {}) {}; return ;;\n", fmt::join(option.names, "|"), bash_values(option));
    }
  }
  return fmt::format(R"(    {})
      case "$previous" in
{}        *) ;;
      esac
      case "$current" in
        -*) _lectern_offer nothing {} ;;
        *) {} ;;
      esac ;;
)",
                     command.name, values, shell_quoted(joined(names)), arguments);
}

std::string bash_script(const std::vector<CommandDefinition>& commands) {
  std::vector<std::string> names = {"--help", "--version", "-V"};
  std::string cases;
  for (const CommandDefinition& command : commands) {
    names.push_back(command.name);
    cases += bash_case(command);
  }
  return fmt::format(R"(# bash completion for lectern, as `lectern completion bash` writes it

# _lectern_offer files|folders|list|nothing WORDS: what of these begins with $current, or in a list with what stands
# behind its last comma
_lectern_offer() {{
  local before=
  [[ $1 != list || $current != *,* ]] || before="${{current%,*}},"
  mapfile -t COMPREPLY < <(
    compgen -P "$before" -W "$2" -- "${{current#"$before"}}"
    [[ $1 != files ]] || compgen -f -- "$current"
    [[ $1 != folders ]] || compgen -d -- "$current"
  )
  [[ $1 != files && $1 != folders ]] || compopt -o filenames 2>/dev/null
  [[ ${{#COMPREPLY[@]}} -ne 1 || ${{COMPREPLY[0]}} != *: ]] || compopt -o nospace 2>/dev/null
}}

_lectern() {{
  COMPREPLY=()
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD - 1]}}" command="${{COMP_WORDS[1]}}"
  # --name=VALUE comes as three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = && COMP_CWORD -gt 2 ]]; then
    previous="${{COMP_WORDS[COMP_CWORD - 2]}}"
  fi
  if [[ COMP_CWORD -eq 1 ]]; then
    _lectern_offer nothing {}
    return
  fi
  case "$command" in
{}  esac
}}

complete -F _lectern lectern
)",
                     shell_quoted(joined(names)), cases);
}

// Text in which [, ] and : would end a part of what _arguments is given.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_action(const OptionDefinition& option) {
  const std::vector<std::string> words = words_of(option);
  std::string paths = option.takes_file() ? "_files" : (option.takes_folder() ? "_files -/" : "");
  if (words.empty()) return paths;
  if (option.is_list()) return fmt::format(" _values -s , word {}", zsh_text(joined(words)));
  if (paths.empty()) return fmt::format("({})", zsh_text(joined(words)));
  // After a space it is called as it stands, without what _arguments adds to other actions.
  return fmt::format(" _alternative \"words\\:word\\:({})\" \"paths\\:path\\:{}\"", zsh_text(joined(words)), paths);
}

std::string zsh_argument(const OptionDefinition& option) {
  const std::string action = zsh_action(option);
  if (option.argument) {
    return shell_quoted(fmt::format("{}:{}:{}", option.repeats ? "*" : "", zsh_text(option.names[0]), action));
  }
  std::string value;
  std::vector<std::string> names = option.names;
  if (!option.value.empty()) {
    value = fmt::format(":{}:{}", zsh_text(option.value), action);
    for (std::string& name : names) name += name.starts_with("--") ? "=" : "+";  // --name=VALUE, -nVALUE
  }
  const std::string text = shell_quoted(fmt::format("[{}]{}", zsh_text(option.description), value));
  if (names.size() == 1) return shell_quoted(names[0]) + text;
  return fmt::format("'({})'{{{}}}{}", fmt::join(option.names, " "), fmt::join(names, ","), text);
}

std::string zsh_script(const std::vector<CommandDefinition>& commands) {
  std::string descriptions;
  std::string cases;
  for (const CommandDefinition& command : commands) {
    descriptions += "        " + shell_quoted(command.name + ":" + zsh_text(command.description)) + "\n";
    cases += fmt::format("        {})\n          _arguments -s", command.name);
    for (const OptionDefinition& option : command.options) cases += " \\\n            " + zsh_argument(option);
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef lectern
# zsh completion for lectern, as `lectern completion zsh` writes it

_lectern() {{
  local curcontext="$curcontext" state line
  local -a commands
  _arguments -C '(- *)--help[Explain the commands]' '(- *)--version[Show the version]' \
    '1:command:->command' '*::argument:->argument'
  case "$state" in
    command)
      commands=(
{}      )
      _describe command commands ;;
    argument)
      case "${{line[1]}}" in
{}      esac ;;
  esac
}}

if [[ "$funcstack[1]" = _lectern ]]; then
  _lectern "$@"
else
  compdef _lectern lectern
fi
)",
                     descriptions, cases);
}

}  // namespace

Command add_completion(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Write what bash or zsh needs to complete lectern's commands");
  command->add_option("SHELL", *shell, "bash or zsh")
      ->type_name("bash|zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}).description(""));
  return [shell, &app] {
    const auto commands = definitions_of(app);
    fmt::print("{}", *shell == "bash" ? bash_script(commands) : zsh_script(commands));
    return exit_done;
  };
}

}  // namespace lectern::cli
