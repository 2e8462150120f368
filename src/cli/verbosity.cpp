#include "cli/verbosity.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "lectern/error.h"
#include "lectern/log.h"

namespace lectern::cli {
namespace {

LogLevel level_of(std::string_view word) {
  if (word.empty() || word == "off") return LogLevel::off;
  if (word == "info") return LogLevel::info;
  if (word == "debug") return LogLevel::debug;
  throw Error(fmt::format("LECTERN_LOG is '{}'; expected off, info or debug", word));
}

}  // namespace

void add_verbosity(CLI::App& app, Verbosity& verbosity) {
  const char* const description = "Log to standard error what is chosen; -vv: and why";
  app.add_flag("-v", verbosity.before, description);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->add_flag("-v", verbosity.behind, description);
  }
}

void start_log(const Verbosity& verbosity) {
  const char* const named = std::getenv("LECTERN_LOG");
  LogLevel level = level_of(named == nullptr ? "" : named);
  if (verbosity.given()) level = verbosity.before + verbosity.behind > 1 ? LogLevel::debug : LogLevel::info;
  if (level != LogLevel::off) set_log(level);
}

}  // namespace lectern::cli
