// The commands of `lectern`. Each adds itself to the command line; what runs when it is chosen returns the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace lectern {
struct RunReport;
}

namespace lectern::cli {

// 0: everything was done; 1: some inputs failed; 2: nothing could be done; 130: interrupted.
inline constexpr int exit_done = 0, exit_some_failed = 1, exit_failed = 2, exit_interrupted = 130;

int exit_code_of(const RunReport& report);

// This program, whatever has become of its file since it was started.
inline constexpr const char* own_program = "/proc/self/exe";

// Runs the chosen command. -> exit code
using Command = std::function<int()>;

Command add_read(CLI::App& app);
Command add_convert(CLI::App& app);
Command add_serve(CLI::App& app);
Command add_trace(CLI::App& app);
Command add_inspect(CLI::App& app);
Command add_bench(CLI::App& app);
Command add_quantize(CLI::App& app);
Command add_pull(CLI::App& app);
Command add_models(CLI::App& app);
Command add_compare(CLI::App& app);
Command add_devices(CLI::App& app);
Command add_doctor(CLI::App& app);
Command add_completion(CLI::App& app);
Command add_manual(CLI::App& app);

// Whether standard error is a terminal that lines can be drawn on again and again.
bool can_show_progress();

// Writes "lectern: " and the message to standard error, in one line whatever it holds; settings that it names become
// options.
void complain(std::string_view message);

// The text without line breaks and other control characters, which would disturb a terminal.
std::string in_one_line(std::string_view text);

// A name on standard output: as it is for a program, in_one_line() on a terminal.
std::string on_stdout(std::string_view name);

}  // namespace lectern::cli
