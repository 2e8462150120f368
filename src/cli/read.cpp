// lectern read: pictures in, text out.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/destination.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/progress_line.h"
#include "lectern/error.h"
#include "lectern/reader.h"

namespace lectern::cli {
namespace {

struct Arguments {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string out;
  ReadOptions options;
  bool quiet = false;
};

int read(const Arguments& arguments) {
  use_threads(arguments.model.threads);
  const FoundModel found = find_model(arguments.model.model);
  if (!arguments.quiet && !found.named) complain("reading with " + found.description);
  const Model model =
      Model::load(found.folder, arguments.model.weights, arguments.model.device, arguments.model.without);
  Reader reader(model, arguments.options);
  Destination destination(arguments.out, arguments.inputs, arguments.options.prompt == "markdown" ? ".md" : ".txt");
  ProgressLine line(!arguments.quiet && can_show_progress());
  const bool to_terminal = isatty(STDOUT_FILENO) != 0;
  const Interrupts interrupts;

  size_t done = 0;
  size_t failed = 0;
  bool written = false;    // anything to standard output
  bool line_open = false;  // its last character is not a line break
  const auto put = [&](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
      throw std::system_error(errno, std::generic_category(), "standard output: cannot be written");
    }
    written = true;
    line_open = !text.ends_with('\n');
  };
  const auto fail = [&](const std::string& message) {
    line.clear();
    if (line_open) put("\n");
    complain(message);
    ++failed;
  };
  for (size_t i = 0; i < arguments.inputs.size() && !interrupts.requested(); ++i) {
    const std::string& input = arguments.inputs[i];
    line.begin(input, i, arguments.inputs.size());
    ReadEvents events;
    events.stop = interrupts.token();
    // On a terminal, the line would tear the text that is written there.
    events.progress = [&](const Progress& progress) {
      if (!(line_open && to_terminal)) line.show(progress);
    };
    if (destination.streams()) {
      events.text = [&, begun = false](std::string_view text) mutable {
        line.clear();
        if (!begun && written) put("\n");
        begun = true;
        put(text);
      };
    }
    try {
      const PageText page = reader.read(std::filesystem::path(input), events);
      line.clear();
      if (line_open) put("\n");
      if (page.finish == "stopped" && page.text.empty()) break;
      destination.take(input, page.text);
      ++done;
      if (page.finish == "length" || page.finish == "context") {
        complain(fmt::format("{}: cut short after {} tokens, {}", input, page.tokens,
                             page.finish == "length" ? "the limit of --max-tokens" : "which fill the model's context"));
      }
      if (page.guard.loops > 0) {
        complain(fmt::format(
            "{}: the model repeated itself; {} tokens were dropped, {}", input, page.dropped_tokens,
            page.guard.recovered ? "and it went on to the end of the page" : "and text after that may be missing"));
      }
      line.summarise(page);
    } catch (const Error& error) {
      fail(error.what());
    } catch (const std::bad_alloc&) {
      fail(input + ": not enough memory; close other programs, or use a smaller --mode");
    }
  }
  destination.finish();
  if (interrupts.requested()) {
    complain(done > 0 ? "interrupted; what was read so far is kept" : "interrupted; nothing was read");
    return exit_interrupted;
  }
  return failed == 0 ? exit_done : (done == 0 ? exit_failed : exit_some_failed);
}

}  // namespace

Run add_read(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("read", "Read the text of pictures");
  command->add_option("INPUT", arguments->inputs, "Picture files: JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF")
      ->type_name("")
      ->required();
  command
      ->add_option("-o,--output", arguments->out,
                   "A file for all the text, or a folder for a file each (default: standard output)")
      ->type_name("FILE|FOLDER");
  add_model_options(*command, arguments->model);
  command
      ->add_option("--mode", arguments->options.mode,
                   "How the page is shown to the model (default: auto, which is gundam for a model trained at 1024 "
                   "pixels, else native)")
      ->type_name("tiny|small|base|large|gundam|native|auto");
  command->add_flag("--force-mode", arguments->options.force_mode, "Allow a mode that the model was not trained for");
  command
      ->add_option("--prompt", arguments->options.prompt,
                   "What to ask: plain text (free, the default), Markdown, a figure's contents, a description, where a "
                   "text stands, or words of your own")
      ->type_name("free|markdown|figure|describe|locate:TEXT|WORDS");
  command->add_flag("--raw", arguments->options.raw, "Keep the layout tags of the markdown prompt");
  command
      ->add_option("--max-tokens", arguments->options.max_tokens,
                   "Tokens to write at most for a page (default: what the context holds)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  return [arguments] { return read(*arguments); };
}

}  // namespace lectern::cli
