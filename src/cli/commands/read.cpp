// lectern read: documents in, finished files or text out.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/config.h"
#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/live_text.h"
#include "cli/model_options.h"
#include "cli/output_options.h"
#include "cli/password.h"
#include "cli/progress_line.h"
#include "cli/validators.h"
#include "core/files/file.h"
#include "core/files/file_gate.h"
#include "core/stopped.h"
#include "device/operators/operator_profile.h"
#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "input/inputs.h"
#include "layout/text/shown_text.h"
#include "lectern/documents.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"

namespace lectern::cli {
namespace {

struct Arguments {
  ModelArguments model;
  OutputArguments output;
  DocumentOptions options;
  std::string mode = "auto";
  PasswordArguments password;
  std::string report;
  std::string progress = "auto";
  bool resume = false;
  bool restart = false;
  bool quiet = false;
  bool operators = false;
};

ProgressLine::Style progress_style(const Arguments& arguments) {
  if (arguments.quiet || arguments.progress == "none") return ProgressLine::Style::none;
  if (arguments.progress == "plain") return ProgressLine::Style::plain;
  return can_show_progress() ? ProgressLine::Style::line : ProgressLine::Style::none;
}

// Text appears while it is read where a person waits for it: on a terminal, when no format was asked for.
bool is_live(const OutputArguments& output) {
  return to_stdout(output) && output.formats.empty() && !output.raw && !output.boxes && ::isatty(STDOUT_FILENO) != 0;
}

DocumentOptions document_options(const Arguments& arguments, const std::filesystem::path& folder) {
  DocumentOptions options = arguments.options;
  options.out = is_live(arguments.output) ? "" : arguments.output.out.empty() ? "-" : arguments.output.out;
  const std::string& prompt = options.read.prompt;
  const bool grounded =
      !prompt.empty() && parse_prompt(prompt, describe_folder(folder), options.read.force_mode).grounded;
  const Format usual = grounded ? Format::markdown : Format::text;
  options.formats = chosen_formats(arguments.output, usual);
  options.read.mode = parse_mode(arguments.mode);
  if (arguments.report == "-" && to_stdout(arguments.output)) {
    throw Error("--report -: standard output has the text; name a file for the report, or for the text with -o");
  }
  options.report = arguments.report == "-" ? "" : arguments.report;
  options.output = arguments.output.options;
  options.resume = arguments.restart  ? DocumentOptions::Resume::never
                   : arguments.resume ? DocumentOptions::Resume::required
                                      : DocumentOptions::Resume::automatic;
  return options;
}

// Times the operators of the models' devices while it lives.
class Profiles {
 public:
  explicit Profiles(const std::vector<Model>& models) {
    for (const Model& model : models) {
      for (const RankModel& rank : loaded_of(model).ranks) {
        if (std::ranges::any_of(profiles_, [&](const One& one) { return &one.device == &rank.device; })) continue;
        One& one = profiles_.emplace_back(rank.device);
        one.device.set_profile(&one.profile);
      }
    }
  }
  Profiles(const Profiles&) = delete;
  Profiles& operator=(const Profiles&) = delete;
  ~Profiles() {
    for (const One& one : profiles_) one.device.set_profile(nullptr);
  }

  void print() const {
    for (const One& one : profiles_) {
      fmt::print(stderr, "operators of {}\n{}", one.device.name(), one.profile.table());
    }
  }

 private:
  struct One {
    explicit One(Device& of) : device(of) {}
    Device& device;
    OperatorProfile profile;
  };
  std::deque<One> profiles_;
};

void write_report(const std::string& path, const RunReport& report) {
  const std::string text = report.to_json(exit_code_of(report));
  if (path == "-") {
    fmt::print("{}", ::isatty(STDOUT_FILENO) != 0 ? terminal_text(text) : text);
  } else if (!path.empty()) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
  }
}

int read(const Arguments& arguments) {
  const Interrupts interrupts(Interrupts::First::ends);  // until there is something to be kept
  if (arguments.resume && arguments.restart) throw Error("--resume and --restart exclude each other");
  use_threads(arguments.model.threads);
  const FoundModel found = find_model(arguments.model.model);
  if (!arguments.quiet && !found.named) complain("reading with " + found.description);
  // Typing errors, and outputs that must not be written, are reported before a model of gigabytes is loaded.
  FileGate own;
  if (arguments.password.file != "-") own.add_input(arguments.password.file);
  DocumentOptions options = document_options(arguments, found.folder);
  check_documents(options, found.folder);
  if (!options.report.empty()) const AtomicFile probe(options.report);
  try {
    options.password = password_of(arguments.password);
  } catch (const Stopped&) {
    complain("interrupted; no page was finished");
    return exit_interrupted;
  }
  if (const Inputs inputs = expand_inputs(options.inputs); inputs.files.empty()) {
    RunReport nothing;
    nothing.errors = inputs.errors;
    for (const std::string& error : nothing.errors) complain(error);
    write_report(arguments.report, nothing);
    return exit_code_of(nothing);
  }
  std::vector<DeviceReport> left_out;
  ModelOptions model_options = arguments.model.options();
  if (!arguments.operators) model_options.worker = own_program;  // operators are timed in this process
  const std::vector<Model> models =
      load_models(found.folder, model_options, [&](const std::string& device, const std::string& why) {
        complain(left_out_message(device, why));
        left_out.push_back({device, 0, 0, why});
      });

  ProgressLine line(progress_style(arguments));
  LiveText live;
  Interrupts::set(Interrupts::First::stops);
  Page last_page;
  DocumentEvents events;
  events.stop = interrupts.token();
  events.message = [&](const std::string& message) {
    line.clear();
    live.close_line();
    complain(message);
  };
  // The line would tear text that is being written to a terminal.
  events.progress = [&](const RunProgress& progress) {
    if (!live.line_open()) line.show(progress);
  };
  events.page = [&](const std::string&, const Page& page) {
    line.clear();
    live.close_line();
    last_page = page;
    last_page.raw.clear();
    last_page.blocks.clear();
  };
  if (is_live(arguments.output)) {
    events.text = [&](size_t input, int page, size_t keep, std::string_view more) {
      line.clear();
      live.text({input, page}, keep, more);
    };
  }
  const Profiles profiles(arguments.operators ? models : std::vector<Model>());
  RunReport report = read_documents(models, options, events);
  begin_to_end(models);
  report.devices.insert(report.devices.end(), left_out.begin(), left_out.end());
  line.summarise(report, last_page);
  profiles.print();
  if (report.interrupted) {
    complain(report.read > 0 ? fmt::format("interrupted; {} finished",
                                           report.read == 1 ? "1 page was" : fmt::format("{} pages were", report.read))
                             : "interrupted; no page was finished");
  }
  write_report(arguments.report, report);
  return exit_code_of(report);
}

void add_page_options(CLI::App& command, DocumentOptions& options, PasswordArguments& password) {
  command.add_option("--pages", options.pages, "Pages of every input, e.g. 1-3,8,12- (default: all)")
      ->type_name("LIST");
  command.add_option("--dpi", options.dpi, "Resolution at which PDF pages are rendered (default: 200)")
      ->type_name("N")
      ->check(number_from_to(20, 1200));
  add_password_options(command, password);
  command
      .add_option_function<std::string>(
          "--orient", [&options](const std::string& how) { options.upright = how == "auto"; },
          "auto turns scans that lie on their side or upside down; none (default) leaves them")
      ->type_name("auto|none")
      ->check(CLI::IsMember({"auto", "none"}).description(""));
  command
      .add_option("--pages-together", options.pages_together,
                  "Pages of a PDF or a TIFF that the model reads in one go, where it was trained to (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""));
  command
      .add_option("--batch", options.batch, "Pages read together (default: as many as help and as the memory holds)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
}

void add_reading_options(CLI::App& command, ReadOptions& options, std::string& mode) {
  command
      .add_option("--mode", mode,
                  "How the page is shown to the model (default: auto, which is gundam for a model trained at 1024 "
                  "pixels, lines for one trained on rows of text, else native)")
      ->type_name("tiny|small|base|large|gundam|native|lines|auto");
  command.add_flag("--force-mode", options.force_mode, "Allow a mode or a prompt that the model was not trained for");
  command
      .add_option(
          "--max-tiles", options.max_tiles,
          "Tiles that a large page is cut into at most, in a mode with tiles; fewer take less time and show less "
          "(default, and the most: what the model was trained with: 9, 32 or 6)")
      ->type_name("N")
      ->check(CLI::Range(1, 100).description(""));
  command
      .add_option("--prompt", options.prompt,
                  "What to ask: plain text (free), Markdown or lines with their places (ocr), a figure's contents, a "
                  "description, where a "
                  "text stands, or words of your own (default: markdown for formats that need places, else free; "
                  "Unlimited-OCR knows markdown alone)")
      ->type_name("free|markdown|ocr|figure|describe|locate:TEXT|WORDS");
  command
      .add_option("--max-tokens", options.max_tokens,
                  "Tokens to write at most for a page (default: what the context holds)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command.add_flag("--logprobs", options.logprobs,
                   "Write how sure the model was of every token into json, as natural logarithms of probabilities");
}

}  // namespace

int exit_code_of(const RunReport& report) {
  switch (report.outcome()) {
    case RunOutcome::everything: return exit_done;
    case RunOutcome::part: return exit_some_failed;
    case RunOutcome::nothing: return exit_failed;
    case RunOutcome::interrupted: return exit_interrupted;
  }
  return exit_failed;
}

Command add_read(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("read", "Read pictures, PDFs and folders of them");
  command
      ->add_option("INPUT", arguments->options.inputs,
                   "Pictures (JPEG, PNG, WebP, TIFF, GIF, HEIC, AVIF), PDFs, folders, patterns in quotes, or - for "
                   "standard input")
      ->type_name("")
      ->required();
  add_output_options(*command, arguments->output);
  add_page_options(*command, arguments->options, arguments->password);
  add_reading_options(*command, arguments->options.read, arguments->mode);
  add_model_options(*command, arguments->model);
  add_parallel_option(*command, arguments->model);
  command->add_flag("--resume", arguments->resume,
                    "Go on from an interrupted run, and refuse to begin anew should its settings have been others "
                    "(without it, an interrupted run is gone on from if it fits)");
  command->add_flag("--restart", arguments->restart, "Read everything, whatever an interrupted run left");
  command
      ->add_option("--review-below", arguments->options.review_below,
                   "List pages and blocks whose confidence is lower, on standard error and in the report")
      ->type_name("X")
      ->check(number_from_to(0.0, 1.0));
  command
      ->add_option("--report", arguments->report,
                   "Write what became of every input, with times, as JSON; - is standard output")
      ->type_name("FILE");
  command
      ->add_option("--progress", arguments->progress,
                   "On standard error (default: auto, a line on a terminal; plain is a line every 10 s)")
      ->type_name("auto|plain|none")
      ->check(CLI::IsMember({"auto", "plain", "none"}).description(""));
  command->add_flag("--operators", arguments->operators,
                    "Time every operator of the devices, which takes longer, and print a table on standard error");
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  return [arguments] { return read(*arguments); };
}

}  // namespace lectern::cli
