// lectern read: pictures in, text out.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "cli/commands.h"
#include "core/file.h"
#include "lectern/error.h"
#include "lectern/reader.h"

namespace lectern::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> inputs;
  std::string out, model;
  ReadOptions options;
  std::string weights = "f32";
  int threads = 0;
  bool quiet = false;
};

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C asks for an end at the next safe point, the second ends the process.
void on_interrupt(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

// One line on a terminal that says how far reading is.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { clear(); }

  void begin(const std::string& input) { input_ = input; }
  void show(const Progress& progress) {
    if (!shown_) return;
    switch (progress.stage) {
      case Stage::encode: return write("looking at the page");
      case Stage::prefill: return write(fmt::format("taking in {} tokens", progress.prompt_tokens));
      case Stage::decode:
        if (progress.tokens % 16 == 0 && progress.seconds > 0) {
          write(fmt::format("{} tokens, {:.0f} a second", progress.tokens,
                            static_cast<double>(progress.tokens) / progress.seconds));
        }
    }
  }
  void clear() {
    if (shown_ && drawn_) fmt::print(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  void write(const std::string& text) {
    fmt::print(stderr, "\r\033[K{}: {}", input_, text);
    std::fflush(stderr);
    drawn_ = true;
  }
  bool shown_;
  bool drawn_ = false;
  std::string input_;
};

// Where the text of an input goes: a file of its own in a folder, or all one after the other.
class Destination {
 public:
  Destination(const Arguments& arguments) {
    const fs::path out = arguments.out;
    if (arguments.out.empty() || arguments.out == "-") return;
    std::error_code ignored;
    if (!fs::is_directory(out, ignored) && !arguments.out.ends_with('/')) {
      file_ = out;
      return;
    }
    std::error_code failed;
    fs::create_directories(out, failed);
    if (failed) throw Error(fmt::format("{}: the folder cannot be made: {}", arguments.out, failed.message()));
    folder_ = out;
    extension_ = arguments.options.prompt == "markdown" ? ".md" : ".txt";
    for (const std::string& input : arguments.inputs) ++stems_[fs::path(input).stem().string()];
  }

  bool streams() const { return !file_ && !folder_; }

  // The text of one input, finished or interrupted.
  void take(const std::string& input, const std::string& text) {
    if (folder_) {
      write(*folder_ / name_for(input), ended(text));
    } else if (file_) {
      all_ += (all_.empty() ? "" : "\n") + ended(text);
    }
  }

  // After the last input; a single file is written only if something was read.
  void finish(bool anything) {
    if (file_ && anything) write(*file_, all_);
  }

 private:
  static std::string ended(const std::string& text) {
    return text.empty() || text.ends_with('\n') ? text : text + "\n";
  }

  static void write(const fs::path& path, const std::string& text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
  }

  // NAME.txt for NAME.png; of two inputs called NAME both keep more of their names, and no file is written twice.
  std::string name_for(const std::string& input) {
    const fs::path path(input);
    std::string base = stems_[path.stem().string()] > 1 ? path.filename().string() : path.stem().string();
    std::string name = base + extension_;
    for (int i = 2; !taken_.insert(name).second; ++i) name = fmt::format("{}-{}{}", base, i, extension_);
    return name;
  }

  std::optional<fs::path> file_, folder_;
  std::string all_, extension_;
  std::map<std::string, int> stems_;
  std::set<std::string> taken_;
};

int read(const Arguments& arguments) {
  use_threads(arguments.threads);
  Destination destination(arguments);
  const Model model = Model::load(model_folder(arguments.model), arguments.weights);
  Reader reader(model, arguments.options);
  const bool to_terminal = isatty(STDOUT_FILENO) != 0;
  // Text that is streamed to the same terminal would be torn by a progress line.
  const bool show = !arguments.quiet && isatty(STDERR_FILENO) != 0;
  ProgressLine line(show);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::stop_source stop;

  size_t done = 0;
  size_t failed = 0;
  for (const std::string& input : arguments.inputs) {
    if (interrupted != 0) break;
    line.begin(input);
    bool line_open = false;  // the last character written to standard output was not a line break
    ReadEvents events;
    events.stop = stop.get_token();
    events.progress = [&](const Progress& progress) {
      if (interrupted != 0) stop.request_stop();
      if (!(line_open && to_terminal)) line.show(progress);
    };
    if (destination.streams()) {
      if (done > 0) std::fputc('\n', stdout);
      events.text = [&](std::string_view text) {
        line.clear();
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
        line_open = !text.ends_with('\n');
      };
    }
    try {
      const PageText page = reader.read(fs::path(input), events);
      line.clear();
      if (line_open) std::fputc('\n', stdout);
      std::fflush(stdout);
      destination.take(input, page.text);
      ++done;
      if (page.finish == "length" || page.finish == "context") {
        fmt::print(stderr, "lectern: {}: cut short after {} tokens, {}\n", input, page.tokens,
                   page.finish == "length" ? "the limit of --max-tokens" : "which fill the model's context");
      }
      if (show) {
        fmt::print(stderr, "{}: {} mode, {} image tokens in {:.2f} s, prompt in {:.2f} s, {} tokens in {:.2f} s\n",
                   input, page.mode, page.vision_tokens, page.encode_seconds, page.prefill_seconds, page.tokens,
                   page.decode_seconds);
      }
    } catch (const Error& error) {
      line.clear();
      fmt::print(stderr, "lectern: {}\n", error.what());
      ++failed;
    }
  }
  destination.finish(done > 0);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error("standard output: cannot be written to");
  if (interrupted != 0) {
    fmt::print(stderr, "lectern: interrupted; what was read so far is kept\n");
    return exit_interrupted;
  }
  return failed == 0 ? exit_done : (done == 0 ? exit_failed : exit_some_failed);
}

}  // namespace

Run add_read(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("read", "Read the text of pictures");
  command->add_option("INPUT", arguments->inputs, "Picture files: JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF")
      ->required();
  command->add_option("-o,--output", arguments->out,
                      "A file for all the text, or a folder for a file each (default: standard output)");
  command->add_option("--model", arguments->model,
                      "The model's folder (default: $LECTERN_MODEL, then the model that ships)");
  command->add_option("--mode", arguments->options.mode,
                      "tiny, small, base, large, gundam, native or auto (default): gundam for a model trained at 1024 "
                      "pixels, else native");
  command->add_flag("--force-mode", arguments->options.force_mode, "Allow a mode that the model was not trained for");
  command->add_option("--prompt", arguments->options.prompt,
                      "free (default), markdown, figure, describe, or a text of your own");
  command->add_flag("--raw", arguments->options.raw, "Keep the layout tags of the markdown prompt");
  command
      ->add_option("--max-tokens", arguments->options.max_tokens,
                   "Tokens to write at most for a page (default: what the context holds)")
      ->check(CLI::PositiveNumber);
  command->add_option("--weights", arguments->weights, "How weights are kept: f32 (default, exact), bf16, q8 or q4");
  command->add_option("--threads", arguments->threads, "Threads (default: the processors of this process)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  return [arguments] { return read(*arguments); };
}

}  // namespace lectern::cli
