#include "reading/model_page_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>

#include "core/error_code.h"
#include "core/log.h"
#include "core/stopwatch.h"
#include "device/device_failure.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/parallel_runner.h"
#include "engine/sequence.h"
#include "layout/layout.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/page_group.h"
#include "reading/page_warnings.h"
#include "reading/read_settings.h"
#include "reading/retry/page_retry.h"
#include "reading/streamed_text.h"

namespace lectern {
namespace {

constexpr size_t usual_tiles = 9;  // maximum of most models; the cost of more is announced

std::vector<int32_t> repeatable_tokens(const LoadedModel& loaded) {
  std::vector<int32_t> ids;
  for (const std::string_view token : loaded.description().repeatable) {
    if (const auto id = loaded.tokenizer.id_of(token)) ids.push_back(*id);
  }
  return ids;
}

// Pixels to be encoded.
int64_t pixels_of(const Picture& view) { return int64_t{view.width} * view.height; }
int64_t pixels_of(const Views& views) {
  int64_t pixels = pixels_of(views.whole);
  for (const Picture& tile : views.tiles) pixels += pixels_of(tile);
  for (const Views& page : views.further) pixels += pixels_of(page);
  return pixels;
}

// The error of a failed page, with the likely reason of a NaN if values are f16: some pages overflow.
std::exception_ptr with_reason(const std::exception_ptr& error, const LoadedModel& loaded) {
  if (loaded.device.compute_types(loaded.format).decoder != DataType::f16) return error;
  try {
    std::rethrow_exception(error);
  } catch (const NotANumber& failure) {
    return std::make_exception_ptr(
        Error(fmt::format("the model's output is not a number; the values between operators are f16, which some pages "
                          "overflow: choose another type, as in {}:type=bf16, or `weights` f32",
                          loaded.device.name()),
              failure.code()));
  } catch (const std::exception&) {
    return error;
  }
}

// A page that is being read.
struct Reading {
  Reading(PageJob given, std::shared_ptr<const ReadSettings> how, const LoadedModel& loaded)
      : job(std::move(given)),
        settings(std::move(how)),
        attempts(job.page, job.picture, job.further.empty() ? settings->plan : loaded.description().pages_plan,
                 settings->tiled, settings->options.retry && job.further.empty(),
                 settings->by_blocks && job.further.empty(), settings->options.max_tokens),
        raw(loaded.tokenizer, false),
        shown(loaded.tokenizer, settings->shown) {}

  PageJob job;
  std::shared_ptr<const ReadSettings> settings;
  PageAttempts attempts;
  Page page;              // in the making: all of it, or the part that is being read
  RequestId request = 0;  // of that
  TextStream raw;         // all that the model writes
  StreamedText shown;
  std::string text;   // shown in this attempt
  std::string best;   // in the attempt that counts so far
  Stopwatch working;  // since the image was encoded
  int views = 0;      // to be encoded, in all, and their pixels
  int64_t pixels = 0;
  double expected_seconds = 0;
  bool cancelled = false;
};

}  // namespace

struct ModelPageReader::State {
  State(const Model& shared, const ReadOptions& options, int pages)
      : model(shared),
        loaded(loaded_of(model)),
        batch(std::max(1, pages)),
        settings(std::make_shared<const ReadSettings>(files_of(model), options)),
        repeatable(repeatable_tokens(loaded)),
        runner(make_runner(loaded, cache_positions(loaded, batch))),
        engine(*runner, {.sequences = batch}) {
    log_info("reader.ready", {{"device", loaded.device_names()},
                              {"mode", name_of(settings->plan.mode)},
                              {"prompt", options.prompt},
                              {"batch", batch},
                              {"cache_positions", int64_t{runner->pages().pages()} * runner->pages().page_tokens()}});
  }

  void expect(Reading& reading, const Views& views);
  void begin(Reading& reading);
  void take(Reading& reading, const RequestEvent& event);
  void close(Reading& reading);
  bool go_on(Reading& reading);
  bool give_up(Reading& reading, const std::exception_ptr& error);
  void deliver(Reading& reading);
  void deliver_pages(Reading& reading, const Page& whole);
  static void without_tokens(const Reading& reading, Page& page);
  void tell(const Reading& reading, size_t keep, std::string more);
  void show(Reading& reading, const std::string& more);
  void progress(const Reading& reading, Stage stage);
  PageEvent& add_event(const Reading& reading, PageEvent::Kind kind);

  Model model;
  const LoadedModel& loaded;
  int batch;
  std::shared_ptr<const ReadSettings> settings;
  std::vector<int32_t> repeatable;
  std::unique_ptr<ModelRunner> runner;
  Engine engine;
  std::vector<std::unique_ptr<Reading>> readings;
  std::vector<PageEvent> events;
  double seconds_a_pixel = 0;  // of encoding, lately; 0: not known
};

// Estimates the cost of a page with more views than most models ever make.
void ModelPageReader::State::expect(Reading& reading, const Views& views) {
  reading.views = 1 + static_cast<int>(views.tiles.size() + views.further.size());
  reading.pixels = pixels_of(views);
  reading.expected_seconds = 0;
  if (views.tiles.size() <= usual_tiles) return;
  if (seconds_a_pixel == 0) {  // one tile tells
    const Stopwatch working;
    Views tile;
    tile.whole = views.tiles.front();
    loaded.encoder.encode(tile);
    seconds_a_pixel = working.seconds() / static_cast<double>(pixels_of(tile));
  }
  reading.expected_seconds = seconds_a_pixel * static_cast<double>(reading.pixels);
}

PageEvent& ModelPageReader::State::add_event(const Reading& reading, PageEvent::Kind kind) {
  PageEvent& event = events.emplace_back();
  event.ticket = reading.job.ticket;
  event.kind = kind;
  return event;
}

void ModelPageReader::State::tell(const Reading& reading, size_t keep, std::string more) {
  PageEvent& event = add_event(reading, PageEvent::Kind::text);
  event.keep = keep;
  event.more = std::move(more);
}

void ModelPageReader::State::show(Reading& reading, const std::string& more) {
  if (more.empty()) return;
  tell(reading, reading.text.size(), more);
  reading.text += more;
}

void ModelPageReader::State::progress(const Reading& reading, Stage stage) {
  const Page& page = reading.page;
  PageEvent& event = add_event(reading, PageEvent::Kind::progress);
  const double seconds = stage == Stage::decode ? reading.working.seconds() - page.stats.prefill_seconds : 0;
  event.progress = {stage, stage == Stage::encode ? 0 : page.stats.prompt_tokens, page.stats.tokens, seconds};
  if (stage != Stage::encode) return;
  event.progress.views = reading.views;
  event.progress.vision_tokens = page.stats.vision_tokens;
  event.progress.expected_seconds = reading.expected_seconds;
}

// Adds the next part of the page to the engine.
void ModelPageReader::State::begin(Reading& reading) {
  Page& page = reading.page;
  const ReadSettings& how = *reading.settings;
  page = reading.attempts.part();
  const ViewPlan& plan = reading.attempts.plan();
  page.mode = how.by_blocks ? Mode::lines : plan.mode;
  Request request;
  const auto views = std::make_shared<Views>(make_views(reading.attempts.picture(), plan));
  page.stats.vision_tokens = loaded.encoder.rows_of(*views);
  const bool several = !reading.job.further.empty();
  for (const FurtherPage& further : reading.job.further) {
    views->further.push_back(make_views(*further.picture, plan));
    page.stats.vision_tokens += loaded.encoder.rows_of(views->further.back());
  }
  expect(reading, *views);
  request.views = views;
  request.prompt = loaded.expand_prompt(several ? how.pages_prompt : how.prompt, page.stats.vision_tokens);
  page.stats.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  request.image_token = loaded.image_token;
  request.max_tokens = reading.attempts.max_tokens();
  request.sampling = {how.options.temperature, how.options.top_p, how.options.seed};
  request.stop = {&loaded.tokenizer, how.options.stop};
  const RepeatLimit& limit = loaded.description().repeat_of(several                   ? InputKind::pages
                                                            : reading.job.page.of_pdf ? InputKind::pdf
                                                                                      : InputKind::picture);
  request.no_repeat = {limit.n, limit.window, repeatable};
  request.guard.classes = &loaded.token_classes;
  request.deadline = reading.job.deadline;
  reading.request = engine.add(std::move(request));
}

void ModelPageReader::State::take(Reading& reading, const RequestEvent& event) {
  Page& page = reading.page;
  if (event.kind == RequestEvent::Kind::started) progress(reading, Stage::encode);
  if (event.kind == RequestEvent::Kind::encoded) {
    page.stats.encode_seconds += event.seconds;
    if (reading.pixels > 0) seconds_a_pixel = event.seconds / static_cast<double>(reading.pixels);
    progress(reading, Stage::prefill);
    reading.working = Stopwatch();
  }
  if (event.kind == RequestEvent::Kind::loop) {
    ++page.guard.loops;
    page.guard.dropped += event.loop.dropped;
    if (event.loop.retried) page.guard.action = Retry::continued;
  }
  const bool chosen = event.kind == RequestEvent::Kind::written ||
                      (event.kind == RequestEvent::Kind::finished && event.finish == Finish::end);
  if (chosen && page.stats.prefill_seconds == 0) page.stats.prefill_seconds = reading.working.seconds();
  for (size_t i = 0; i < event.tokens.size(); ++i) {
    const Token& token = event.tokens[i];
    const size_t cut = i + 1 == event.tokens.size() ? event.cut_bytes : 0;
    page.raw += reading.raw.push(token.id, cut);
    page.token_logprobs.push_back(token.log_probability);
    page.token_ends.push_back(page.raw.size());
    show(reading, reading.shown.push(token.id, cut));
  }
  page.stats.tokens = event.written;
  if (event.kind == RequestEvent::Kind::written) progress(reading, Stage::decode);
  if (event.kind == RequestEvent::Kind::finished) page.finish = event.finish;
}

// Completes a part that the model has finished.
void ModelPageReader::State::close(Reading& reading) {
  Page& page = reading.page;
  page.raw += reading.raw.finish();
  show(reading, reading.shown.finish());
  if (page.stats.prefill_seconds > 0)
    page.stats.decode_seconds = reading.working.seconds() - page.stats.prefill_seconds;
  page.guard.recovered = page.guard.loops > 0 && page.finish == Finish::end;
  lay_out(page);
}

// Takes a finished part. Returns whether the page has another part or attempt.
bool ModelPageReader::State::go_on(Reading& reading) {
  if (!reading.attempts.take(std::move(reading.page))) return false;
  if (!reading.attempts.begins_anew()) {
    if (!reading.text.empty() && !reading.text.ends_with('\n')) show(reading, "\n");
  } else {
    if (reading.attempts.last_is_best()) reading.best = reading.text;
    reading.text.clear();
    tell(reading, 0, "");
  }
  try {
    begin(reading);
    if (reading.cancelled) engine.cancel(reading.request);
    return true;
  } catch (const DeviceFailure&) {
    throw;
  } catch (const std::exception&) {  // another mode may not fit the model's context
    give_up(reading, std::current_exception());
    return false;
  }
}

// Gives up a failed attempt. Returns whether the result of an earlier one stands.
bool ModelPageReader::State::give_up(Reading& reading, const std::exception_ptr& error) {
  if (reading.attempts.is_first()) return false;
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    fail(reading.page, "not enough memory", ErrorCode::out_of_memory);
  } catch (const std::exception& reason) {
    fail(reading.page, reason.what(), code_of(reason));
  }
  reading.attempts.take(std::move(reading.page));
  return true;
}

void ModelPageReader::State::deliver(Reading& reading) {
  if (!reading.attempts.last_is_best()) tell(reading, 0, reading.best);
  Page page = reading.attempts.result();
  if (!reading.job.further.empty()) return deliver_pages(reading, page);
  const std::vector<Box>& parts = reading.attempts.parts();
  if (reading.settings->asked.grounded) {
    warn_of_ink_outside_of_blocks(page, *reading.job.picture);
  } else if (!parts.empty()) {  // nothing outside of them was read
    warn_of_uncovered_ink(page, *reading.job.picture, parts);
  }
  judge(page, *reading.job.picture, reading.settings->asked.all_text, page.stats.tokens);
  without_tokens(reading, page);
  add_event(reading, PageEvent::Kind::finished).page = std::move(page);
}

void ModelPageReader::State::without_tokens(const Reading& reading, Page& page) {
  if (reading.settings->options.logprobs) return;
  page.token_logprobs.clear();
  page.token_ends.clear();
}

void ModelPageReader::State::deliver_pages(Reading& reading, const Page& whole) {
  std::vector<Page> known = {reading.job.page};
  for (const FurtherPage& further : reading.job.further) known.push_back(further.page);
  std::vector<Page> pages = part_pages(whole, std::move(known));
  for (size_t i = 0; i < pages.size(); ++i) {
    Page& page = pages[i];
    const Picture& picture = i == 0 ? *reading.job.picture : *reading.job.further[i - 1].picture;
    if (!page.raw.empty()) {
      if (reading.settings->asked.grounded) warn_of_ink_outside_of_blocks(page, picture);
      judge(page, picture, reading.settings->asked.all_text, whole.stats.tokens);
    }
    without_tokens(reading, page);
  }
  PageEvent& event = add_event(reading, PageEvent::Kind::finished);
  event.page = std::move(pages.front());
  event.further.assign(std::make_move_iterator(pages.begin() + 1), std::make_move_iterator(pages.end()));
}

ModelPageReader::ModelPageReader(const Model& model, const ReadOptions& options, int batch)
    : state_(std::make_unique<State>(model, options, batch)) {}
ModelPageReader::~ModelPageReader() = default;

int ModelPageReader::room() const { return state_->batch - static_cast<int>(state_->readings.size()); }

void ModelPageReader::add(PageJob job) {
  const std::shared_ptr<const ReadSettings> settings =
      job.options ? std::make_shared<const ReadSettings>(files_of(state_->model), *job.options) : state_->settings;
  auto reading = std::make_unique<Reading>(std::move(job), settings, state_->loaded);
  state_->begin(*reading);
  state_->readings.push_back(std::move(reading));
}

void ModelPageReader::cancel(size_t ticket) {
  for (const auto& reading : state_->readings) {
    if (reading->job.ticket != ticket) continue;
    reading->cancelled = true;
    state_->engine.cancel(reading->request);
  }
}

void ModelPageReader::step(std::vector<PageEvent>& events) {
  // Events are handed on even if a later one throws.
  const struct Appended {
    std::vector<PageEvent>&from, &to;
    ~Appended() {
      std::ranges::move(from, std::back_inserter(to));
      from.clear();
    }
  } appended{state_->events, events};
  auto& readings = state_->readings;
  state_->engine.step();
  for (RequestEvent& event : state_->engine.take_events()) {
    const auto place = std::ranges::find(readings, event.request, [](const auto& reading) { return reading->request; });
    if (place == readings.end()) continue;
    state_->take(**place, event);
    if (event.kind != RequestEvent::Kind::finished && event.kind != RequestEvent::Kind::failed) continue;
    // Removed from the list first, since the following may throw.
    std::unique_ptr<Reading> reading = std::move(*place);
    readings.erase(place);
    if (event.kind == RequestEvent::Kind::finished) {
      state_->close(*reading);
      if (state_->go_on(*reading)) {
        readings.push_back(std::move(reading));
        continue;
      }
    } else if (event.error = with_reason(event.error, state_->loaded); !state_->give_up(*reading, event.error)) {
      state_->add_event(*reading, PageEvent::Kind::failed).error = event.error;
      continue;
    }
    state_->deliver(*reading);
  }
}

void ModelPageReader::clear() {
  state_->engine.clear();
  state_->readings.clear();
}

ReaderLoad ModelPageReader::load() const {
  const PagePool& pool = state_->runner->pages();
  ReaderLoad load;
  load.sequences = static_cast<int64_t>(state_->readings.size());
  load.cache_positions = int64_t{pool.pages()} * pool.page_tokens();
  load.cache_used = int64_t{pool.pages() - pool.free_pages()} * pool.page_tokens();
  load.preemptions = state_->engine.preemptions();
  return load;
}

}  // namespace lectern
