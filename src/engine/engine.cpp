#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/stopwatch.h"
#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Throws Error unless there is a place for every row: otherwise rows would be dropped, or tokens take their places,
// without notice.
void check_rows(const Request& request, const TensorView& image) {
  const int64_t places = std::ranges::count(request.prompt, request.image_token);
  if (places != image.shape[0]) {
    throw Error(fmt::format("the prompt has places for {} rows of the image, which has {}", places, image.shape[0]));
  }
}

}  // namespace

Engine::Engine(ModelRunner& runner, const SchedulerLimits& limits)
    : runner_(runner), scheduler_(runner.pages(), limits) {}

RequestId Engine::add(Request request) {
  const int64_t window = runner_.window();
  const bool fits = Sequence::max_pages(runner_.pages(), request, runner_.context(), window) <= runner_.pages().pages();
  const int64_t context = window > 0 && fits ? runner_.context() : std::min(runner_.context(), scheduler_.capacity());
  const auto length = static_cast<int64_t>(request.prompt.size());
  if (length == 0) throw Error("the prompt is empty; expected at least one token");
  if (length >= context) {
    throw Error(
        fmt::format("the page and its prompt take {} tokens, but the model's context is {}; use a smaller `mode`",
                    length, context));
  }
  for (const auto* ids : {&request.prompt, &request.forced}) {
    for (const int32_t id : *ids) {
      if (id < 0 || id >= runner_.vocabulary()) {
        throw Error(fmt::format("token id {} is outside of the vocabulary 0..{}", id, runner_.vocabulary() - 1));
      }
    }
  }
  if (request.image) check_rows(request, request.image);
  const int64_t room = context - length;
  const int64_t budget = request.max_tokens > 0 ? std::min(request.max_tokens, room) : room;
  scheduler_.add(std::make_unique<Sequence>(++last_id_, std::move(request), runner_.pages(), budget, window));
  return last_id_;
}

void Engine::cancel(RequestId id) {
  const auto mark = [id](const auto& sequences) {
    for (const auto& sequence : sequences) sequence->cancelled |= sequence->id == id;
  };
  mark(scheduler_.waiting());
  mark(scheduler_.running());
}

RequestEvent& Engine::tell(const Sequence& sequence, RequestEvent::Kind kind) {
  RequestEvent& event = events_.emplace_back();
  event.request = sequence.id;
  event.kind = kind;
  event.written = sequence.written();
  return event;
}

void Engine::finish(Sequence& sequence, Finish reason) {
  RequestEvent& event = tell(sequence, RequestEvent::Kind::finished);
  event.finish = reason;
  event.tokens = sequence.take_committed(true);
  sequence.finished = true;
}

void Engine::fail(Sequence& sequence, std::exception_ptr error) {
  tell(sequence, RequestEvent::Kind::failed).error = std::move(error);
  sequence.finished = true;
}

void Engine::end_cancelled() {
  const auto now = std::chrono::steady_clock::now();
  const auto end = [&](const auto& sequences) {
    for (const auto& sequence : sequences) {
      if (sequence->cancelled) {
        finish(*sequence, Finish::stopped);
      } else if (sequence->request.deadline && *sequence->request.deadline <= now) {
        finish(*sequence, Finish::deadline);
      }
    }
  };
  end(scheduler_.running());
  end(scheduler_.waiting());
  scheduler_.remove_finished();
}

void Engine::start_admitted() {
  for (const auto& sequence : scheduler_.running()) {
    if (!std::exchange(sequence->started, true)) tell(*sequence, RequestEvent::Kind::started);
  }
}

void Engine::encode(Sequence& sequence, bool alone) {
  try {
    const Stopwatch working;
    if (!sequence.encoding) sequence.encoding = runner_.encode(sequence.request.views);
    const bool done = sequence.encoding->advance(alone);
    sequence.encode_seconds += working.seconds();
    if (!done) return;
    check_rows(sequence.request, sequence.encoding->rows());
    sequence.image = sequence.encoding->rows();
    sequence.request.views.reset();
    tell(sequence, RequestEvent::Kind::encoded).seconds = sequence.encode_seconds;
  } catch (const DeviceFailure&) {
    throw;
  } catch (const std::exception&) {
    fail(sequence, std::current_exception());
  }
}

void Engine::choose(Sequence& sequence, const NextToken& next) {
  Sequence::Outcome outcome;
  try {
    outcome = sequence.choose(next, runner_.end_tokens());
  } catch (const Error&) {
    return fail(sequence, std::current_exception());
  }
  if (outcome.loop) tell(sequence, RequestEvent::Kind::loop).loop = *outcome.loop;
  if (outcome.finish != Finish::end) {
    RequestEvent& event = tell(sequence, RequestEvent::Kind::written);
    event.tokens = sequence.take_committed(false);
    if (sequence.request.logits) event.logits.assign(next.logits.begin(), next.logits.end());
  }
  if (!outcome.finish) return;
  finish(sequence, *outcome.finish);
  events_.back().cut_bytes = outcome.cut_bytes;
  if (outcome.finish == Finish::end && sequence.request.logits) {
    events_.back().logits.assign(next.logits.begin(), next.logits.end());
  }
}

void Engine::run(const StepPlan& plan) {
  Batch batch;
  batch.written = plan.written;
  for (const StepPlan::Rows& rows : plan.rows) batch.entries.push_back(rows.sequence->entry(rows.count));
  const std::span<const NextToken> tokens = runner_.step(batch);
  size_t chosen = 0;
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const auto& [sequence, count] = plan.rows[i];
    sequence->cached += count;
    if (batch.entries[i].chooses) choose(*sequence, tokens[chosen++]);
  }
}

bool Engine::step() {
  end_cancelled();
  const StepPlan plan = scheduler_.plan();
  start_admitted();
  if (plan.encode != nullptr) encode(*plan.encode, plan.alone);
  if (!plan.rows.empty()) run(plan);
  scheduler_.remove_finished();
  return !scheduler_.idle();
}

void Engine::clear() {
  scheduler_.clear();
  events_.clear();
}

}  // namespace lectern
