// lectern manual: the manual page, in the language of man(1).
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/help/definitions.h"
#include "lectern/version.h"

namespace lectern::cli {
namespace {

// Text as roff takes it: no character of it is a command, and dashes are those of a keyboard.
std::string roff(std::string_view text) {
  std::string result;
  if (text.starts_with('.') || text.starts_with('\'')) result += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string option_heading(const OptionDefinition& option) {
  std::string heading;
  for (const std::string& name : option.names) {
    heading += fmt::format("{}\\fB{}\\fR", heading.empty() ? "" : ", ", roff(name));
  }
  if (!option.argument && !option.value.empty()) heading += fmt::format(" \\fI{}\\fR", roff(option.value));
  return heading;
}

std::string synopsis(const CommandDefinition& command) {
  std::string text = "\\fBlectern " + roff(command.name) + "\\fR";
  for (const OptionDefinition& option : command.options) {
    if (!option.argument) continue;
    const std::string name = fmt::format("\\fI{}\\fR{}", roff(option.names[0]), option.repeats ? "..." : "");
    text += option.required ? " " + name : " [" + name + "]";
  }
  return text + " [\\fIOPTIONS\\fR]";
}

std::string command_section(const CommandDefinition& command) {
  std::string text =
      fmt::format(".SS {}\n{}\n.PP\n{}.\n", roff(command.name), synopsis(command), roff(command.description));
  for (const OptionDefinition& option : command.options) {
    text += fmt::format(".TP\n{}\n{}.\n", option_heading(option), roff(option.description));
  }
  return text;
}

struct Entry {
  const char *name, *text;
};

std::string entries(const char* title, const std::vector<Entry>& list) {
  std::string text = fmt::format(".SH {}\n", title);
  for (const Entry& entry : list) text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(entry.name), roff(entry.text));
  return text;
}

const std::vector<Entry> exit_codes = {
    {"0", "Everything was done."},
    {"1", "Some inputs failed; the others were read."},
    {"2",
     "Nothing could be done: wrong usage, a model that cannot be loaded, no input that can be read, or no place to "
     "write."},
    {"130", "Interrupted; what was done so far is kept."},
};

const std::vector<Entry> environment = {
    {"LECTERN_MODEL", "The model to use where --model names none: a folder, or a name as lectern models lists it."},
    {"LECTERN_LOG", "What is logged to standard error where -v is not given: off, info (as -v) or debug (as -vv)."},
    {"LECTERN_PDF", "The program that renders PDF pages, where it is not installed beside lectern."},
    {"XDG_CACHE_HOME", "Where models are kept, below lectern/models; without it, in ~/.cache."},
    {"XDG_STATE_HOME", "Where lectern serve keeps documents, in lectern/serve; without it, in ~/.local/state."},
    {"HF_ENDPOINT", "The hub that lectern pull asks where --mirror names none."},
    {"HF_TOKEN", "Is sent to that hub, and to no other host, for models that are not open to all."},
    {"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The proxy through which lectern pull connects."},
};

const std::vector<Entry> files = {
    {"~/.cache/lectern/models", "The models that were pulled. A model is removed by removing its folder."},
    {"~/.local/state/lectern/serve", "The documents that were sent to lectern serve, until they expire."},
};

const std::vector<Entry> examples = {
    {"lectern pull", "Brings DeepSeek-OCR, once; lectern read then uses it."},
    {"lectern read page.png", "Writes the text of a page to standard output."},
    {"lectern read --prompt markdown -o page.md page.png", "Writes it as Markdown, into a file."},
    {"lectern read --prompt locate:'Total amount' invoice.png", "Asks where a text stands."},
    {"source <(lectern completion bash)", "Makes this shell complete lectern's commands."},
};

std::string manual(const CLI::App& app) {
  std::string text = fmt::format(
      ".TH LECTERN 1 \"\" \"lectern {}\" \"User Commands\"\n"
      ".SH NAME\nlectern \\- read documents: pictures of pages in, their text out\n"
      ".SH SYNOPSIS\n\\fBlectern\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
      ".SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      LECTERN_VERSION,
      roff("Lectern takes documents and writes what stands in them, with the DeepSeek-OCR model and on plain "
           "processors. A small model ships with it; the published one, which reads whole pages, is brought by lectern "
           "pull. lectern COMMAND --help explains a command."));
  for (const CommandDefinition& command : definitions_of(app)) text += command_section(command);
  return text + entries("EXIT STATUS", exit_codes) + entries("ENVIRONMENT", environment) + entries("FILES", files) +
         entries("EXAMPLES", examples);
}

}  // namespace

Command add_manual(CLI::App& app) {
  app.add_subcommand("manual", "Write the manual page, as in: lectern manual | man -l -");
  return [&app] {
    fmt::print("{}", manual(app));
    return exit_done;
  };
}

}  // namespace lectern::cli
