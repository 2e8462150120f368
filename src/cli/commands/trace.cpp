// lectern trace: every stage of one page, or of several in one sequence, for comparison with another implementation.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>

#include "checkpoint/safetensors_writer.h"
#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/output_options.h"
#include "core/files/file.h"
#include "core/files/file_gate.h"
#include "device/host_values.h"
#include "device/registry.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/parallel_runner.h"
#include "engine/prompts.h"
#include "image/picture_file.h"
#include "lectern/error.h"
#include "lectern/model.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/read_settings.h"

namespace lectern::cli {
namespace {

struct Arguments {
  ModelArguments model;
  std::vector<std::string> images;
  std::string mode = "auto", prompt = "markdown", forced_ids, out;
  std::optional<std::string> prompt_ids;  // in place of prompt
  int64_t steps = 0;
  int max_tiles = 0;
  bool force_mode = false;
};

std::vector<int32_t> parse_ids(const std::string& text, std::string_view option, int vocabulary) {
  std::vector<int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',' || *at == '[' || *at == ']' || *at == '\n') {
      ++at;
      continue;
    }
    int32_t id = 0;
    const auto [behind, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0) {
      throw Error(fmt::format("{}: '{}' is not a token id; expected numbers from 0, separated by blanks or commas",
                              option, std::string(at, std::find(at, end, ' '))));
    }
    if (id >= vocabulary) {
      throw Error(fmt::format("{}: token id {} is outside of the vocabulary 0..{}", option, id, vocabulary - 1));
    }
    ids.push_back(id);
    at = behind;
  }
  return ids;
}

TensorView integers(const std::vector<int64_t>& values) {
  return {reinterpret_cast<const std::byte*>(values.data()), DataType::i64, {static_cast<int64_t>(values.size())}};
}

// A stage of all pages, one page behind the other.
struct StageValues {
  std::vector<float> values;
  std::vector<int64_t> shape;
};

class Stages {
 public:
  explicit Stages(Device& device) : device_(device) {}

  void add(const std::string& name, const Tensor& of_page) {
    if (!of_page) return;
    const std::vector<float> values = floats_to_host(device_, of_page);
    StageValues& stage = stages_[name];
    const auto extents = of_page.shape().extents();
    if (stage.shape.empty()) {
      stage.shape.assign(extents.begin(), extents.end());
    } else {
      stage.shape.front() += extents.front();
    }
    stage.values.insert(stage.values.end(), values.begin(), values.end());
  }
  Tensor on_device(const std::string& name, Device& device) const {
    const StageValues& stage = stages_.at(name);
    return from_host(device, stage.values, Shape(stage.shape));
  }
  void add_to(std::vector<std::pair<std::string, TensorView>>& all) const {
    for (const auto& [name, stage] : stages_) all.emplace_back(name, view_of_floats(stage.values, Shape(stage.shape)));
  }

 private:
  Device& device_;
  std::map<std::string, StageValues> stages_;
};

// What is asked: as typed, or for several pages as the model was trained.
std::string prompt_text(const Arguments& arguments, const ModelDescription& model) {
  const Prompt typed = parse_prompt(arguments.prompt, model, arguments.force_mode);
  const bool usual = typed.name == model.prompts.front().name || typed.name == "markdown";
  return arguments.images.size() > 1 && usual ? pages_prompt(model).text : typed.text;
}

ViewPlan plan_of(const Arguments& arguments, const Model& loaded) {
  const LoadedModel& model = loaded_of(loaded);
  const Mode mode = parse_mode(arguments.mode);
  ViewPlan plan = arguments.images.size() > 1 && mode == Mode::automatic && model.description().pages_prompt
                      ? model.description().pages_plan
                      : model.plan(mode, arguments.force_mode);
  if (arguments.images.size() > 1 && plan.crop) {
    throw Error(
        fmt::format("--mode {}: several pictures are the pages of one sequence, which have no tiles; use --mode {}",
                    name_of(plan.mode), name_of(model.description().pages_plan.mode)));
  }
  ReadOptions read;
  read.mode = mode;
  read.force_mode = arguments.force_mode;
  read.max_tiles = arguments.max_tiles;
  check_max_tiles(loaded, read, static_cast<int>(arguments.images.size()));
  if (arguments.max_tiles > 0) plan.max_tiles = arguments.max_tiles;
  return plan;
}

int trace(const Arguments& arguments) {
  const Interrupts interrupts(Interrupts::First::ends);
  refuse_standard_output(arguments.out, "-o", "a trace is no text");
  use_threads(arguments.model.threads);
  const std::filesystem::path folder = find_model(arguments.model.model).folder;
  FileGate gate;
  for (const std::string& image : arguments.images) gate.add_input(image);
  gate.add_input_folder(folder);
  gate.add_output(arguments.out, "the trace", FileKind::safetensors);
  const Model loaded = Model::load(folder, arguments.model.options());
  const LoadedModel& model = loaded_of(loaded);
  const int vocabulary = model.checkpoint.config().decoder.vocabulary;
  const std::vector<int32_t> prompt = arguments.prompt_ids
                                          ? parse_ids(*arguments.prompt_ids, "--prompt-ids", vocabulary)
                                          : model.tokenizer.encode(prompt_text(arguments, model.description()));
  const std::vector<int32_t> forced = parse_ids(arguments.forced_ids, "--forced-ids", vocabulary);
  const int64_t steps =
      arguments.steps > 0 ? arguments.steps : (forced.empty() ? 16 : static_cast<int64_t>(forced.size()));
  if (!forced.empty() && steps > static_cast<int64_t>(forced.size())) {
    throw Error(fmt::format("--forced-ids names {} ids, but --steps asks for {}", forced.size(), steps));
  }
  // What is wrong is refused before the work begins.
  model.expand_prompt(prompt, 1);
  { const AtomicFile probe(arguments.out); }
  const ViewPlan plan = plan_of(arguments, loaded);
  Stages stages_of_pages(model.device);
  std::vector<int64_t> grid;
  for (const std::string& image : arguments.images) {
    const Views views = make_views(read_picture(image), plan);
    const EncodedPage page = model.encoder.encode(views, true);
    if (grid.empty()) grid = {views.columns, views.rows};
    for (const VisionStage& stage : page.whole) stages_of_pages.add("whole_" + stage.name, stage.values);
    for (const VisionStage& stage : page.tiles) stages_of_pages.add("tiles_" + stage.name, stage.values);
    stages_of_pages.add("image_sequence", page.sequence);
  }
  const Tensor sequence = stages_of_pages.on_device("image_sequence", model.device);

  Request request;
  request.prompt = model.expand_prompt(prompt, sequence.shape()[0]);
  request.image_token = model.image_token;
  request.image = sequence;
  request.max_tokens = steps;
  request.no_repeat.n = 0;
  request.forced.assign(forced.begin(), forced.begin() + (forced.empty() ? 0 : steps));
  const std::vector<int64_t> prompt_ids(request.prompt.begin(), request.prompt.end());
  request.logits = true;
  std::vector<float> logits;
  std::vector<int64_t> tokens;
  int64_t width = 0;
  const std::unique_ptr<ModelRunner> runner = make_runner(model, model.decoder.config().context, false);
  Engine engine(*runner);
  engine.add(std::move(request));
  for (bool more = true; more;) {
    more = engine.step();
    for (const RequestEvent& event : engine.take_events()) {
      if (event.error) std::rethrow_exception(event.error);
      if (event.logits.empty()) continue;
      width = static_cast<int64_t>(event.logits.size());
      logits.insert(logits.end(), event.logits.begin(), event.logits.end());
      tokens.push_back(argmax_token(event.logits, {}));
    }
  }

  std::vector<std::pair<std::string, TensorView>> stages = {
      {"grid", integers(grid)}, {"prompt_ids", integers(prompt_ids)}, {"tokens", integers(tokens)}};
  stages_of_pages.add_to(stages);
  stages.emplace_back("logits", view_of_floats(logits, {static_cast<int64_t>(tokens.size()), width}));
  write_safetensors(arguments.out, stages);
  return exit_done;
}

}  // namespace

Command add_trace(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "trace",
      "Write every stage of reading a picture, or several as the pages of one sequence, to a .safetensors file");
  command->add_option("IMAGE", arguments->images, "Picture files")->type_name("")->required();
  add_model_options(*command, arguments->model);
  add_parallel_option(*command, arguments->model);
  command->add_option("--mode", arguments->mode, "How the page is shown to the model (default: auto)")
      ->type_name("tiny|small|base|large|gundam|native|auto");
  command->add_flag("--force-mode", arguments->force_mode, "Allow a mode that the model was not trained for");
  command
      ->add_option("--max-tiles", arguments->max_tiles,
                   "Tiles at most, 1 for none (default: what the model was trained with)")
      ->type_name("N")
      ->check(CLI::Range(1, 100).description(""));
  CLI::Option* prompt = command
                            ->add_option("--prompt", arguments->prompt,
                                         "The prompt as a text or a name, as read takes it (default: markdown)")
                            ->type_name("PROMPT");
  command->add_option("--prompt-ids", arguments->prompt_ids, "The prompt's token ids from 0, the image token once")
      ->type_name("IDS")
      ->excludes(prompt);
  command->add_option("--forced-ids", arguments->forced_ids, "Ids to feed in place of the chosen tokens")
      ->type_name("IDS");
  command->add_option("--steps", arguments->steps, "Tokens to choose (default: as many as forced ids, else 16)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command->add_option("-o,--output", arguments->out, "The file to write")->type_name("FILE")->required();
  return [arguments] { return trace(*arguments); };
}

}  // namespace lectern::cli
