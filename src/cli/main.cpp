// The command line.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <new>
#include <vector>

#include "cli/commands.h"
#include "lectern/error.h"

namespace lectern::cli {

std::string model_folder(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("LECTERN_MODEL"); named != nullptr && *named != '\0') return named;
  // Beside an installed binary, or where this one was built.
  std::error_code ignored;
  const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::filesystem::path installed = binary.parent_path().parent_path() / "share/lectern/models/primer";
  return std::filesystem::exists(installed, ignored) ? installed.string() : LECTERN_SHIPPED_MODEL;
}

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Lectern reads documents: pictures in, text out. `lectern COMMAND --help` explains a command."};
  app.set_version_flag("--version", "lectern " LECTERN_VERSION);
  app.require_subcommand(1);
  const std::vector<std::pair<std::string, Run>> commands = {
      {"read", add_read(app)}, {"trace", add_trace(app)}, {"inspect", add_inspect(app)}, {"bench", add_bench(app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    fmt::print(stderr, "lectern: {}; see lectern --help\n", wrong.what());
    return exit_failed;
  }
  for (const auto& [name, command] : commands) {
    if (app.got_subcommand(name)) return command();
  }
  return exit_failed;
}

}  // namespace
}  // namespace lectern::cli

int main(int argc, char** argv) {
  try {
    return lectern::cli::run(argc, argv);
  } catch (const lectern::Error& error) {
    fmt::print(stderr, "lectern: {}\n", error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "lectern: not enough memory; close other programs, or use a smaller --mode\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "lectern: {}\n", error.what());
  }
  return lectern::cli::exit_failed;
}
