#include "lectern/reader.h"

#include <fmt/format.h>

#include <chrono>

#include "core/stopped.h"
#include "core/threads.h"
#include "device/registry.h"
#include "document/picture_file.h"
#include "document/tag_filter.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "lectern/error.h"

namespace lectern {
namespace {

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The cells of a table may repeat as they must.
std::vector<int32_t> repeatable_tokens(const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (const std::string_view token : {"<td>", "</td>"}) {
    if (const auto id = tokenizer.id_of(token)) ids.push_back(*id);
  }
  return ids;
}

}  // namespace

Model Model::load(const std::filesystem::path& folder, std::string_view weights, std::string_view device,
                  std::string_view without) {
  return Model(std::make_shared<LoadedModel>(folder, open_device(device, without), weight_format(weights, folder)));
}

int Model::native_size() const { return loaded_->checkpoint.config().native_size; }

void use_threads(int count) { set_threads(count); }

struct Reader::State {
  State(const Model& shared, const ReadOptions& read_options)
      : model(shared),
        options(read_options),
        plan(shared.loaded().plan(read_options.mode, read_options.force_mode)),
        prompt(shared.loaded().tokenizer.encode(prompt_text(read_options.prompt))),
        keep_tags(read_options.raw || !is_grounded(read_options.prompt)),
        engine(shared.loaded().device, shared.loaded().decoder) {
    shared.loaded().expand_prompt(prompt, 1);  // a prompt that is wrong is refused before anything is read
  }

  PageText read(const Picture& picture, const ReadEvents& events);

  Model model;
  ReadOptions options;
  ViewPlan plan;
  std::vector<int32_t> prompt;
  bool keep_tags;
  Engine engine;
};

PageText Reader::State::read(const Picture& picture, const ReadEvents& events) {
  const LoadedModel& loaded = model.loaded();
  PageText page;
  page.mode = lectern::name_of(plan.mode);
  const auto report = [&](Stage stage, double seconds) {
    if (events.progress) events.progress({stage, page.prompt_tokens, page.tokens, seconds});
  };
  report(Stage::encode, 0);
  Clock encoding;
  EncodedPage encoded;
  try {
    encoded = loaded.encoder.encode(make_views(picture, plan), false, events.stop);
  } catch (const Stopped&) {
    page.finish = name_of(Finish::stopped);
    return page;
  }
  page.encode_seconds = encoding.seconds();
  page.vision_tokens = encoded.sequence.shape()[0];

  TextStream stream(loaded.tokenizer, keep_tags ? !options.raw : false);
  TagFilter filter;
  const auto write = [&](std::string text, bool last) {
    if (!keep_tags) text = filter.push(text) + (last ? filter.finish() : "");
    page.text += text;
    if (events.text && !text.empty()) events.text(text);
  };
  Request request;
  request.prompt = loaded.expand_prompt(prompt, page.vision_tokens);
  request.image_token = loaded.image_token;
  request.image = encoded.sequence;
  request.max_tokens = options.max_tokens;
  request.no_repeat.allowed = repeatable_tokens(loaded.tokenizer);
  request.stop = events.stop;
  page.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  report(Stage::prefill, 0);
  Clock working;
  request.on_logits = [&](std::span<const float>) {
    if (page.prefill_seconds == 0) page.prefill_seconds = working.seconds();
  };
  request.on_token = [&](int32_t token) { write(stream.push(token), false); };
  request.on_step = [&](int64_t written) {
    page.tokens = written;
    report(Stage::decode, working.seconds() - page.prefill_seconds);
  };
  request.guard.classes = &loaded.token_classes;
  request.on_loop = [&](const LoopReport& found) {
    ++page.guard.loops;
    if (found.retried) page.guard.action = "continued";
    page.dropped_tokens += found.dropped;
  };
  request.on_finish = [&](Finish finish) { page.finish = name_of(finish); };
  // An Error must not leave a request behind that points into this page.
  const struct Cleared {
    Engine& engine;
    ~Cleared() { engine.clear(); }
  } cleared{engine};
  engine.add(std::move(request));
  while (engine.step()) {
  }
  write(stream.finish(), true);
  page.guard.recovered = page.guard.loops > 0 && page.finish == name_of(Finish::end);
  page.decode_seconds = working.seconds() - page.prefill_seconds;
  return page;
}

Reader::Reader(const Model& model, const ReadOptions& options) : state_(std::make_unique<State>(model, options)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

PageText Reader::read(const std::filesystem::path& file, const ReadEvents& events) {
  return state_->read(read_picture(file), events);
}

PageText Reader::read(std::span<const std::byte> bytes, std::string_view name, const ReadEvents& events) {
  return state_->read(read_picture(bytes, name), events);
}

}  // namespace lectern
