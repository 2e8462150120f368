// The command line.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/help/help.h"
#include "cli/interrupts.h"
#include "cli/settings.h"
#include "cli/validators.h"
#include "cli/verbosity.h"
#include "core/files/mapped_file.h"
#include "core/log.h"
#include "device/registry.h"
#include "layout/text/shown_text.h"
#include "lectern/version.h"
#include "reading/worker/page_server.h"
#include "reading/worker/protocol.h"

namespace lectern::cli {

bool can_show_progress() {
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string in_one_line(std::string_view text) { return terminal_line(text); }

std::string on_stdout(std::string_view name) {
  return ::isatty(STDOUT_FILENO) != 0 ? terminal_line(name) : std::string(name);
}

// Not through fmt::print, which throws where standard error cannot be written.
void complain(std::string_view message) {
  std::fputs(fmt::format("lectern: {}\n", in_one_line(with_options(message))).c_str(), stderr);
}

namespace {

// A standard stream that is closed would lend its number to the next file that is opened. In its place comes one that
// takes nothing, so that writing fails as it should.
void occupy_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

// Threads of OpenMP that wait do so for milliseconds at full speed, which on a busy machine keeps the others from the
// very work that is waited for. They are made to sleep sooner; the setting is read before main, hence the new start.
void sleep_sooner(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  // By its own path, since the system names the process after what was started.
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed && ::setenv("GOMP_SPINCOUNT", "1000", 1) == 0) ::execv(program.c_str(), argv);
}

// What to do about a command line that cannot be parsed.
std::string advice(int argc, char** argv, std::string_view name) {
  const auto is_language = [](std::string_view word) {
    return word == "-l" || word == "--lang" || word == "--language" || word.starts_with("--lang=");
  };
  if (std::any_of(argv + 1, argv + argc, is_language)) {
    return "no language is chosen: the model reads every language that it knows";
  }
  return fmt::format("see {} --help", name);
}

// The words of the command line. CLI11 takes one in brackets for a list; where there is a file of that name, "./"
// before it says the same.
std::vector<std::string> words_of(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const CLI::App* command = &app;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto named = [&](const CLI::App* one) { return one->get_name() == words[i]; };
    if (const auto found = app.get_subcommands(named); command == &app && !found.empty()) command = found.front();
    std::error_code failed;
    const bool bracketed = words[i].starts_with('[') && words[i].ends_with(']');
    if (i == 0 || !bracketed || !std::filesystem::exists(words[i], failed)) continue;
    const CLI::Option* const before = command->get_option_no_throw(words[i - 1]);
    const bool value = before != nullptr && before->nonpositional() && before->get_items_expected_max() == 1;
    if (!value) words[i].insert(0, "./");
  }
  std::ranges::reverse(words);  // as CLI11 wants them
  return words;
}

int run(int argc, char** argv) {
  CLI::App app{"Lectern reads documents: pictures in, text out. `lectern COMMAND --help` explains a command.",
               "lectern"};
  app.set_version_flag("-V,--version", "lectern " LECTERN_VERSION);
  app.require_subcommand(0, 1);
  const std::vector<std::pair<std::string, Command>> commands = {
      {"read", add_read(app)},       {"convert", add_convert(app)}, {"serve", add_serve(app)},
      {"pull", add_pull(app)},       {"models", add_models(app)},   {"compare", add_compare(app)},
      {"inspect", add_inspect(app)}, {"trace", add_trace(app)},     {"quantize", add_quantize(app)},
      {"bench", add_bench(app)},     {"devices", add_devices(app)}, {"completion", add_completion(app)},
      {"doctor", add_doctor(app)},   {"manual", add_manual(app)},   {"help", add_help(app)},
  };
  Verbosity verbosity;
  add_verbosity(app, verbosity);
  wrap_help(app);
  std::string names = commands.front().first;
  for (size_t i = 1; i < commands.size(); ++i) names += (i + 1 < commands.size() ? ", " : " or ") + commands[i].first;
  const Command* chosen = nullptr;
  std::string name = "lectern";
  const auto find_chosen = [&] {
    for (const auto& [command, what] : commands) {
      if (!app.got_subcommand(command)) continue;
      chosen = &what;
      name = "lectern " + command;
    }
  };
  try {
    app.parse(words_of(app, argc, argv));
    find_chosen();
    for (const CLI::App* command : app.get_subcommands()) {
      if (const std::string wrong = empty_value(*command); !wrong.empty()) {
        complain(wrong);
        return exit_failed;
      }
    }
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    find_chosen();
    const std::string first = argc > 1 ? argv[1] : "";
    complain(chosen == nullptr && !first.starts_with('-')
                 ? fmt::format("there is no command '{}'; expected {}, as in: lectern read {}", first, names, first)
                 : fmt::format("{}; {}", wrong.what(), advice(argc, argv, name)));
    return exit_failed;
  }
  if (chosen != nullptr) {
    start_log(verbosity);
    log_info("program.started", {{"version", LECTERN_VERSION}, {"command", name}});
    return (*chosen)();
  }
  complain(verbosity.given()
               ? "-v logs what a command does, as in: lectern read -v page.png; the version is shown by -V"
               : fmt::format("expected a command: {}; see lectern --help", names));
  return exit_failed;
}

}  // namespace
}  // namespace lectern::cli

// What is left of the devices ends before main returns.
struct CloseDevices {
  CloseDevices() = default;
  CloseDevices(const CloseDevices&) = delete;
  CloseDevices& operator=(const CloseDevices&) = delete;
  ~CloseDevices() { lectern::close_devices(); }
};

int main(int argc, char** argv) {
  using namespace lectern::cli;
  hold_signals();
  sleep_sooner(argv);
  const bool is_worker = argc > 1 && std::string_view(argv[1]) == lectern::worker::command;  // no command of people's
  if (!is_worker) end_when_signalled();
  occupy_standard_streams();
  lectern::end_in_one_line_when_shortened(exit_failed);
  try {
    const CloseDevices at_the_end;
    if (is_worker) return lectern::worker::serve_pages(STDIN_FILENO);
    const int code = run(argc, argv);
    std::cout.flush();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout) return code;
    complain(std::system_error(errno, std::generic_category(), "standard output: cannot be written").what());
  } catch (const std::bad_alloc&) {
    complain("not enough memory; close other programs, or use a smaller --mode");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return exit_failed;
}
