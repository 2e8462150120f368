#include "reading/model_page_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "core/available_memory.h"
#include "core/clock.h"
#include "core/stopped.h"
#include "device/device_failure.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "image/ink.h"
#include "layout/layout.h"
#include "layout/tag_filter.h"
#include "lectern/error.h"
#include "reading/page_retry.h"

namespace lectern {
namespace {

constexpr int most_together = 4;  // on a processor more gain little: the arithmetic of a few pages keeps it busy

// The cells of a table may repeat as they must.
std::vector<int32_t> repeatable_tokens(const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (const std::string_view token : {"<td>", "</td>"}) {
    if (const auto id = tokenizer.id_of(token)) ids.push_back(*id);
  }
  return ids;
}

// Text that has no box may be anywhere: then nothing can be said.
void warn_of_uncovered_ink(DocumentPage& page, const Picture& picture) {
  std::vector<Box> covered;
  for (const Block& block : page.blocks) {
    if (block.boxes.empty()) return;
    covered.insert(covered.end(), block.boxes.begin(), block.boxes.end());
  }
  for (const Box& box : uncovered_ink(picture, covered)) {
    page.warnings.push_back({"uncovered_ink",
                             fmt::format("what looks like text at {:.0f}, {:.0f} .. {:.0f}, {:.0f} is in no block",
                                         box.left, box.top, box.right, box.bottom),
                             box});
  }
}

// What is being read of a page.
struct Reading {
  Reading(PageJob given, const ViewPlan& plan, int native_size, const Tokenizer& tokenizer)
      : job(std::move(given)),
        attempts(job.page, job.picture, plan, native_size),
        raw(tokenizer, false),
        shown(tokenizer, true) {}

  PageJob job;
  PageAttempts attempts;
  DocumentPage page;  // in the making: all of it, or the part that is being read
  EncodedPage encoded;
  TextStream raw;    // all that the model writes
  TextStream shown;  // the same without special tokens
  TagFilter filter;
  std::string text;  // given to job.text in this attempt
  std::string best;  // in the attempt that counts so far
  Clock working;     // since the prompt was handed in
  bool finished = false;
};

}  // namespace

struct ModelPageReader::State {
  State(const Model& shared, const ReadOptions& read_options, int pages)
      : model(shared),
        options(read_options),
        batch(std::max(1, pages)),
        plan(shared.loaded().plan(read_options.mode, read_options.force_mode)),
        prompt(shared.loaded().tokenizer.encode(parse_prompt(read_options.prompt).text)),
        grounded(parse_prompt(read_options.prompt).grounded),
        repeatable(repeatable_tokens(shared.loaded().tokenizer)),
        engine(shared.loaded().device, shared.loaded().decoder, batch) {
    shared.loaded().expand_prompt(prompt, 1);  // a prompt that is wrong is refused before anything is read
  }

  Request request_for(Reading& reading) const;
  void send(Reading& reading, std::string text, bool last) const;
  void progress(Reading& reading, Stage stage) const;
  void close(Reading& reading) const;
  void begin(Reading& reading);
  bool go_on(Reading& reading);
  void deliver(Reading& reading) const;

  Model model;
  ReadOptions options;
  int batch;
  ViewPlan plan;
  std::vector<int32_t> prompt;
  bool grounded;
  std::vector<int32_t> repeatable;
  Engine engine;
  std::vector<std::unique_ptr<Reading>> readings;
};

void ModelPageReader::State::progress(Reading& reading, Stage stage) const {
  const DocumentPage& page = reading.page;
  if (!reading.job.progress) return;
  const double seconds = stage == Stage::decode ? reading.working.seconds() - page.prefill_seconds : 0;
  reading.job.progress({stage, page.prompt_tokens, page.tokens, seconds});
}

// Shows text as the options want it; the tags of a grounded prompt are for the layout.
void ModelPageReader::State::send(Reading& reading, std::string text, bool last) const {
  if (grounded && !options.raw) text = reading.filter.push(text) + (last ? reading.filter.finish() : "");
  if (text.empty() || !reading.job.text) return;
  reading.job.text(reading.text.size(), text);
  reading.text += text;
}

// Looks at what is to be read now and hands it to the engine.
void ModelPageReader::State::begin(Reading& reading) {
  const LoadedModel& loaded = model.loaded();
  reading.page = reading.attempts.part();
  const ViewPlan& views = reading.attempts.plan();
  reading.page.mode = name_of(views.mode);
  progress(reading, Stage::encode);
  const Clock encoding;
  reading.encoded = loaded.encoder.encode(make_views(reading.attempts.picture(), views), false, reading.job.stop);
  reading.page.encode_seconds += encoding.seconds();
  reading.page.vision_tokens = reading.encoded.sequence.shape()[0];
  Request request = request_for(reading);
  progress(reading, Stage::prefill);
  reading.working = Clock();
  reading.finished = false;
  engine.add(std::move(request));
}

Request ModelPageReader::State::request_for(Reading& reading) const {
  const LoadedModel& loaded = model.loaded();
  DocumentPage& page = reading.page;
  Request request;
  request.prompt = loaded.expand_prompt(prompt, page.vision_tokens);
  request.image_token = loaded.image_token;
  request.image = reading.encoded.sequence;
  request.max_tokens = options.max_tokens;
  request.no_repeat.allowed = repeatable;
  request.stop = reading.job.stop;
  page.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  request.on_logits = [&reading](std::span<const float>) {
    if (reading.page.prefill_seconds == 0) reading.page.prefill_seconds = reading.working.seconds();
  };
  const bool all = grounded || options.raw;
  request.on_token = [this, &reading, all](int32_t token) {
    std::string raw = reading.raw.push(token);
    reading.page.raw += raw;
    send(reading, all ? std::move(raw) : reading.shown.push(token), false);
  };
  request.on_step = [this, &reading](int64_t written) {
    reading.page.tokens = written;
    progress(reading, Stage::decode);
  };
  request.guard.classes = &loaded.token_classes;
  request.on_loop = [&reading](const LoopReport& found) {
    GuardReport& guard = reading.page.guard;
    ++guard.loops;
    guard.dropped += found.dropped;
    if (found.retried) guard.action = "continued";
  };
  request.on_finish = [&reading](Finish finish) {
    reading.page.finish = name_of(finish);
    reading.finished = true;
  };
  return request;
}

// The model has finished what was to be read.
void ModelPageReader::State::close(Reading& reading) const {
  DocumentPage& page = reading.page;
  const std::string rest = reading.raw.finish();
  page.raw += rest;
  send(reading, grounded || options.raw ? rest : reading.shown.finish(), true);
  page.decode_seconds = reading.working.seconds() - page.prefill_seconds;
  page.guard.recovered = page.guard.loops > 0 && page.finish == name_of(Finish::end);
  lay_out(page);
}

// Takes what was read; whether the page has another part to be read, or is read in another way.
bool ModelPageReader::State::go_on(Reading& reading) {
  if (!reading.attempts.take(std::move(reading.page))) return false;
  if (!reading.attempts.begins_anew()) {
    if (!reading.text.empty() && !reading.text.ends_with('\n')) send(reading, "\n", false);
  } else {
    if (reading.attempts.last_is_best()) reading.best = reading.text;
    reading.text.clear();
    if (reading.job.text) reading.job.text(0, "");
  }
  try {
    begin(reading);
    return true;
  } catch (const Stopped&) {
    reading.page.finish = name_of(Finish::stopped);
  } catch (const DeviceFailure&) {
    throw;
  } catch (const Error& error) {  // another mode may not fit the model's context
    reading.page.error = error.what();
  } catch (const std::bad_alloc&) {
    reading.page.error = "not enough memory";
  }
  return reading.attempts.take(std::move(reading.page));  // which is given up
}

void ModelPageReader::State::deliver(Reading& reading) const {
  if (!reading.attempts.last_is_best() && reading.job.text) reading.job.text(0, reading.best);
  DocumentPage page = reading.attempts.result();
  if (grounded) warn_of_uncovered_ink(page, *reading.job.picture);
  if (std::optional<Warning> unread = unread_ink(page, *reading.job.picture)) {
    page.warnings.push_back(std::move(*unread));
  }
  if (page.finish == "length" || page.finish == "context") {
    page.warnings.push_back(
        {"cut_short",
         fmt::format("cut short after {} tokens, {}", page.tokens,
                     page.finish == "length" ? "the limit of --max-tokens" : "which fill the model's context"),
         std::nullopt});
  }
  if (page.guard.loops > 0) {
    page.warnings.push_back(
        {"repetition",
         fmt::format("the model repeated itself; {} tokens were dropped, {}", page.guard.dropped,
                     page.guard.recovered ? "and it went on to the end of the page" : "and text behind may be missing"),
         std::nullopt});
  }
  reading.job.done(std::move(page));
}

ModelPageReader::ModelPageReader(const Model& model, const ReadOptions& options, int batch)
    : state_(std::make_unique<State>(model, options, batch)) {}
ModelPageReader::~ModelPageReader() = default;

int ModelPageReader::room() const { return state_->batch - static_cast<int>(state_->readings.size()); }

void ModelPageReader::add(PageJob job) {
  const LoadedModel& loaded = state_->model.loaded();
  auto reading =
      std::make_unique<Reading>(std::move(job), state_->plan, loaded.checkpoint.config().native_size, loaded.tokenizer);
  try {
    state_->begin(*reading);
  } catch (const Stopped&) {
    reading->page.finish = name_of(Finish::stopped);
    return reading->job.done(std::move(reading->page));
  }
  state_->readings.push_back(std::move(reading));
}

void ModelPageReader::step() {
  state_->engine.step();
  for (size_t i = 0; i < state_->readings.size();) {
    if (!state_->readings[i]->finished) {
      ++i;
      continue;
    }
    // Out of the list first: what is called may throw.
    std::unique_ptr<Reading> reading = std::move(state_->readings[i]);
    state_->readings.erase(state_->readings.begin() + static_cast<ptrdiff_t>(i));
    state_->close(*reading);
    if (state_->go_on(*reading)) {
      state_->readings.push_back(std::move(reading));
    } else {
      state_->deliver(*reading);
    }
  }
}

void ModelPageReader::clear() {
  state_->engine.clear();
  state_->readings.clear();
}

void check_read_options(const Model& model, const ReadOptions& options) {
  const LoadedModel& loaded = model.loaded();
  loaded.plan(options.mode, options.force_mode);
  loaded.expand_prompt(loaded.tokenizer.encode(parse_prompt(options.prompt).text), 1);
}

int batch_size(const Model& model, int asked) {
  if (asked > 0) return asked;
  const LoadedModel& loaded = model.loaded();
  const DecoderConfig& config = loaded.checkpoint.config().decoder;
  const int64_t bytes = KvCache::bytes_of_sequence(loaded.device, config, loaded.format, config.context);
  // A page seldom fills the context; the rest is for the work itself and for others.
  const int64_t fitting = available_memory() / 2 / std::max<int64_t>(1, bytes);
  return static_cast<int>(std::clamp<int64_t>(fitting, 1, most_together));
}

}  // namespace lectern
