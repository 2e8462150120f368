// lectern compare: the same pages read by two models, or by one in two ways, and where the texts differ.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/output_options.h"
#include "cli/password.h"
#include "cli/progress_line.h"
#include "cli/validators.h"
#include "core/files/file.h"
#include "core/files/file_gate.h"
#include "input/inputs.h"
#include "lectern/documents.h"
#include "lectern/error.h"
#include "output/html/comparison_page.h"
#include "reading/models.h"

namespace lectern::cli {
namespace {

struct Arguments {
  std::array<std::string, 2> sides;
  DocumentOptions options;
  PasswordArguments password;
  std::string out;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

// A model with settings of its own: MODEL, or MODEL:weights=q4,mode=base,device=cpu.
struct Side {
  std::string given;
  std::filesystem::path folder;
  ModelOptions model;
  Mode mode = Mode::automatic;
};

constexpr std::array<std::string_view, 3> settings = {"weights=", "mode=", "device="};

bool begins_with_setting(std::string_view text) {
  return std::ranges::any_of(settings, [&](std::string_view setting) { return text.starts_with(setting); });
}

// A comma or colon that no setting follows belongs to the value before it, as in device=ascend:0.
size_t find_setting(std::string_view text, char before) {
  for (size_t at = text.find(before); at != text.npos; at = text.find(before, at + 1)) {
    if (begins_with_setting(text.substr(at + 1))) return at;
  }
  return text.npos;
}

Side parse_side(const std::string& given) {
  Side side;
  side.given = given;
  std::string_view rest = given;
  const size_t colon = find_setting(rest, ':');
  side.folder = find_model(std::string(rest.substr(0, colon))).folder;
  rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
  while (!rest.empty()) {
    const size_t comma = find_setting(rest, ',');
    const std::string_view one = rest.substr(0, comma);
    const std::string value(one.substr(one.find('=') + 1));
    if (one.starts_with("weights=")) {
      side.model.weights = parse_weights(value);
    } else if (one.starts_with("mode=")) {
      side.mode = parse_mode(value);
    } else {
      side.model.device = value;
    }
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return side;
}

using PageKey = std::pair<std::string, int>;

struct Readings {
  std::vector<PageKey> order;
  std::map<PageKey, ComparedReading> pages;
  int exit_code = exit_done;
};

Readings read(const Side& side, const Arguments& arguments, const std::string& password, const Interrupts& interrupts) {
  const std::vector<Model> models = {Model::load(side.folder, side.model)};
  DocumentOptions options = arguments.options;
  options.read.mode = side.mode;
  options.password = password;
  const bool draws = !arguments.quiet && can_show_progress();
  ProgressLine line(draws ? ProgressLine::Style::line : ProgressLine::Style::none);
  Readings readings;
  DocumentEvents events;
  events.stop = interrupts.token();
  events.message = [&](const std::string& message) {
    line.clear();
    complain(side.given + ": " + message);
  };
  events.progress = [&](const RunProgress& progress) { line.show(progress); };
  events.page = [&](const std::string& input, const Page& page) {
    const PageKey key{input, page.number};
    readings.order.push_back(key);
    const PageStats& stats = page.stats;
    readings.pages[key] = {page.error, page.text(), stats.tokens,
                           stats.encode_seconds + stats.prefill_seconds + stats.decode_seconds};
  };
  const RunReport report = read_documents(models, options, events);
  line.clear();
  readings.exit_code = exit_code_of(report);
  return readings;
}

std::vector<ComparedPage> compared(const Readings& left, const Readings& right) {
  std::vector<ComparedPage> pages;
  pages.reserve(left.order.size());
  std::map<std::string, int> pages_of;
  for (const PageKey& key : left.order) ++pages_of[key.first];
  for (const PageKey& key : left.order) {
    const auto other = right.pages.find(key);
    if (other == right.pages.end()) continue;  // the run was stopped before
    ComparedPage& page = pages.emplace_back();
    page.name = pages_of[key.first] > 1 ? fmt::format("{}, page {}", key.first, key.second) : key.first;
    page.left = left.pages.at(key);
    page.right = other->second;
  }
  // Views of texts that stay where they are from now on.
  for (ComparedPage& page : pages) page.difference = compare_texts(page.left.text, page.right.text);
  return pages;
}

TextDifference sum_of(const std::vector<ComparedPage>& pages) {
  TextDifference sum;
  for (const ComparedPage& page : pages) sum += page.difference;
  return sum;
}

nlohmann::ordered_json numbers_of(const TextDifference& difference) {
  return {{"words", {difference.left_words, difference.right_words}},
          {"same_words", difference.same_words},
          {"word_agreement", difference.word_agreement()},
          {"characters", {difference.left_characters, difference.right_characters}},
          {"edits", difference.edits},
          {"edit_distance", difference.edit_distance()}};
}

void print_json(const std::array<Side, 2>& sides, const std::vector<ComparedPage>& pages) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ComparedPage& page : pages) {
    nlohmann::ordered_json one;
    one["page"] = page.name;
    one.update(numbers_of(page.difference));
    one["tokens"] = {page.left.tokens, page.right.tokens};
    one["seconds"] = {page.left.seconds, page.right.seconds};
    one["errors"] = {page.left.error, page.right.error};
    list.push_back(std::move(one));
  }
  const nlohmann::ordered_json all{
      {"models", {sides[0].given, sides[1].given}}, {"pages", std::move(list)}, {"all", numbers_of(sum_of(pages))}};
  fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_table(const std::vector<ComparedPage>& pages) {
  size_t width = 4;
  for (const ComparedPage& page : pages) width = std::max(width, page.name.size());
  fmt::print("{:<{}}  {:>13}  {:>11}  {:>13}  {:>13}  {:>15}\n", "page", width, "words", "words alike", "edit distance",
             "tokens", "seconds");
  const auto row = [&](const std::string& name, const TextDifference& difference, const std::string& tokens,
                       const std::string& seconds) {
    fmt::print("{:<{}}  {:>13}  {:>9.2f} %  {:>13.4f}  {:>13}  {:>15}\n", in_one_line(name), width,
               fmt::format("{} / {}", difference.left_words, difference.right_words), 100 * difference.word_agreement(),
               difference.edit_distance(), tokens, seconds);
  };
  for (const ComparedPage& page : pages) {
    row(page.name, page.difference, fmt::format("{} / {}", page.left.tokens, page.right.tokens),
        fmt::format("{:.1f} / {:.1f}", page.left.seconds, page.right.seconds));
  }
  if (pages.size() > 1) row("all", sum_of(pages), "", "");
}

int compare(const Arguments& arguments) {
  const Interrupts interrupts;
  refuse_standard_output(arguments.out, "-o", "the numbers are printed there");
  use_threads(arguments.threads);
  const std::array<Side, 2> sides = {parse_side(arguments.sides[0]), parse_side(arguments.sides[1])};
  if (std::ranges::find(arguments.options.inputs, "-") != arguments.options.inputs.end())
    throw Error("-: standard input cannot be read twice; name a file");
  // What is wrong with either is said before pages are read by the first.
  for (const Side& side : sides) {
    Checkpoint::open(side.folder);
    check_documents(arguments.options, side.folder);
  }
  FileGate gate;
  if (!arguments.out.empty()) {
    for (const Input& input : expand_inputs(arguments.options.inputs).files) gate.add_input(input.file);
    for (const Side& side : sides) gate.add_input_folder(side.folder);
    if (arguments.password.file != "-") gate.add_input(arguments.password.file);
    gate.add_output(arguments.out, "the comparison", FileKind::text);
    const AtomicFile probe(arguments.out);
  }
  const std::string password = password_of(arguments.password);
  const Readings left = read(sides[0], arguments, password, interrupts);
  const Readings right = read(sides[1], arguments, password, interrupts);
  if (interrupts.token().stop_requested()) complain("interrupted; what was read by both is compared");
  const std::vector<ComparedPage> pages = compared(left, right);
  if (pages.empty()) return std::max({left.exit_code, right.exit_code, exit_some_failed});
  if (!arguments.out.empty()) {
    AtomicFile file(arguments.out);
    file.write(comparison_page(sides[0].given, sides[1].given, pages));
    file.commit();
  }
  arguments.json ? print_json(sides, pages) : print_table(pages);
  return std::max(left.exit_code, right.exit_code);
}

}  // namespace

Command add_compare(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("compare", "Read the same pages with two models, and show where they differ");
  const char* const side =
      "A model as of --model, with :weights=, mode= or device= behind it where both are one model, as in "
      "deepseek-ocr-2:weights=q4,mode=base";
  command->add_option("MODEL", arguments->sides[0], side)->type_name("")->required();
  command->add_option("OTHER", arguments->sides[1], "The model to compare it with, in the same form")
      ->type_name("")
      ->required();
  command->add_option("PAGE", arguments->options.inputs, "Pictures, PDFs, folders, or patterns in quotes")
      ->type_name("")
      ->required();
  command->add_option("-o,--output", arguments->out, "An HTML file that gets both texts side by side")
      ->type_name("FILE");
  command->add_flag("--json", arguments->json, "Write the numbers as JSON");
  command->add_option("--pages", arguments->options.pages, "Pages of every input, e.g. 1-3,8,12- (default: all)")
      ->type_name("LIST");
  command->add_option("--dpi", arguments->options.dpi, "Resolution at which PDF pages are rendered (default: 200)")
      ->type_name("N")
      ->check(number_from_to(20, 1200));
  add_password_options(*command, arguments->password);
  command
      ->add_option("--prompt", arguments->options.read.prompt,
                   "What to ask both, as read takes it (default: free, or the only one that a model knows)")
      ->type_name("PROMPT");
  command->add_option("--max-tokens", arguments->options.read.max_tokens, "Tokens to write at most for a page")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command->add_option("--threads", arguments->threads, "Threads (default: the processors of this process)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  command->add_flag("--quiet", arguments->quiet, "No progress on standard error");
  return [arguments] { return compare(*arguments); };
}

}  // namespace lectern::cli
