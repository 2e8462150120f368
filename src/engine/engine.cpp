#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int64_t prefill_rows = 1024;  // of one step, over all sequences

}  // namespace

std::string_view name_of(Finish finish) {
  switch (finish) {
    case Finish::end: return "end";
    case Finish::length: return "length";
    case Finish::context: return "context";
    case Finish::stopped: return "stopped";
    case Finish::loop: return "loop";
  }
  return "?";
}

Engine::Engine(Device& device, const Decoder& decoder, int sequences)
    : device_(device),
      decoder_(decoder),
      cache_(device, decoder.config(), decoder.format(), sequences, decoder.config().context) {}

void Engine::add(Request request) {
  const DecoderConfig& config = decoder_.config();
  const auto length = static_cast<int64_t>(request.prompt.size());
  if (length == 0) throw Error("the prompt is empty; expected at least one token");
  if (length >= config.context) {
    throw Error(
        fmt::format("the page and its prompt take {} tokens, but the model's context is {}; use a smaller --mode",
                    length, config.context));
  }
  for (const auto* ids : {&request.prompt, &request.forced}) {
    for (const int32_t id : *ids) {
      if (id < 0 || id >= config.vocabulary) {
        throw Error(fmt::format("token id {} is outside of the vocabulary 0..{}", id, config.vocabulary - 1));
      }
    }
  }
  waiting_.push_back(std::move(request));
}

void Engine::admit() {
  while (!waiting_.empty()) {
    Request& next = waiting_.front();
    if (next.stop.stop_requested()) {
      if (next.on_finish) next.on_finish(Finish::stopped);
      waiting_.pop_front();
      continue;
    }
    const auto length = static_cast<int64_t>(next.prompt.size());
    const int64_t room = decoder_.config().context - length;
    const int64_t budget = next.max_tokens > 0 ? std::min(next.max_tokens, room) : room;
    SequencePages pages(cache_);
    if (!pages.reserve(length + budget)) return;
    std::vector<int32_t> ids = next.prompt;
    active_.push_back(std::make_unique<Sequence>(
        Sequence{.request = std::move(next), .pages = std::move(pages), .ids = std::move(ids), .budget = budget}));
    const Request& admitted = active_.back()->request;
    if (admitted.guard.classes != nullptr && admitted.forced.empty()) active_.back()->guard.emplace(admitted.guard);
    waiting_.pop_front();
  }
}

void Engine::embed(Sequence& sequence, int64_t rows, const MutableTensorView& out) const {
  const auto ids =
      std::span<const int32_t>(sequence.ids).subspan(static_cast<size_t>(sequence.done), static_cast<size_t>(rows));
  decoder_.embed(ids, out);
  const int64_t hidden = out.shape[1];
  const int64_t image_rows = sequence.request.image ? sequence.request.image.shape[0] : 0;
  // Runs of image tokens are copied at once: their places are known here, so no device has to scatter by a mask.
  const auto is_image = [&](int64_t i) { return ids[static_cast<size_t>(i)] == sequence.request.image_token; };
  for (int64_t i = 0; i < rows && sequence.image_rows < image_rows;) {
    int64_t run = 0;
    while (i + run < rows && sequence.image_rows + run < image_rows && is_image(i + run)) ++run;
    if (run > 0) {
      device_.copy({sequence.request.image.slice(sequence.image_rows, run), hidden, out.slice(i, run), hidden});
      sequence.image_rows += run;
    }
    i += std::max<int64_t>(run, 1);
  }
}

void Engine::report_settled(Sequence& sequence, int64_t count) {
  for (; sequence.settled < count; ++sequence.settled) {
    if (sequence.request.on_token) sequence.request.on_token(sequence.text()[static_cast<size_t>(sequence.settled)]);
  }
}

void Engine::finish(Sequence& sequence, Finish reason) {
  if (sequence.request.forced.empty()) report_settled(sequence, sequence.written);
  sequence.finished = true;
  if (sequence.request.on_finish) sequence.request.on_finish(reason);
}

// Sets the sequence back to before the loop, but never behind what was reported. Whether it may go on.
bool Engine::cut_off(Sequence& sequence, const Loop& loop) {
  const int64_t cut = std::max({sequence.guard->cut_for(loop), sequence.settled, int64_t{1}});
  const int64_t dropped = sequence.written - cut;
  const bool retried = sequence.guard->cut_off(sequence.text(), loop, cut);
  sequence.ids.resize(sequence.request.prompt.size() + static_cast<size_t>(cut));
  sequence.written = cut;
  // The cache's rows behind the cut are written again, and the last token's too, for its logits.
  sequence.done = std::min(sequence.done, static_cast<int64_t>(sequence.ids.size()) - 1);
  if (sequence.request.on_loop) sequence.request.on_loop({loop, dropped, retried});
  return retried;
}

void Engine::choose(Sequence& sequence, std::span<float> logits) const {
  const Request& request = sequence.request;
  if (request.change_logits) request.change_logits(sequence.text(), logits);
  if (request.on_logits) request.on_logits(logits);
  std::vector<int32_t> banned = banned_tokens(sequence.ids, request.no_repeat);
  if (sequence.guard) sequence.guard->ban(banned);
  int32_t token = largest_logit(logits, banned);
  if (token < 0)
    throw Error("the model's output is not a number; its weights are damaged or not those of DeepSeek-OCR");
  const bool forced = !request.forced.empty();
  if (token == decoder_.config().eos && !forced) return finish(sequence, Finish::end);
  ++sequence.written;
  if (forced) {
    if (request.on_token) request.on_token(token);
    token = request.forced[static_cast<size_t>(sequence.written - 1)];
  }
  sequence.ids.push_back(token);
  bool looping = false;
  if (sequence.guard) {
    const bool context_ends = sequence.written == sequence.budget && sequence.budget != request.max_tokens;
    if (const std::optional<Loop> loop = sequence.guard->push(token, context_ends)) looping = !cut_off(sequence, *loop);
  }
  if (!forced) report_settled(sequence, sequence.guard ? sequence.guard->settled() : sequence.written);
  if (request.on_step) request.on_step(sequence.written);
  if (looping) {
    finish(sequence, Finish::loop);
  } else if (sequence.written == sequence.budget) {
    finish(sequence, sequence.budget == request.max_tokens ? Finish::length : Finish::context);
  } else if (forced && sequence.written == static_cast<int64_t>(request.forced.size())) {
    finish(sequence, Finish::length);
  }
}

void Engine::clear() {
  active_.clear();
  waiting_.clear();
}

bool Engine::step() {
  admit();
  for (const auto& sequence : active_) {
    if (sequence->request.stop.stop_requested()) finish(*sequence, Finish::stopped);
  }
  std::erase_if(active_, [](const auto& sequence) { return sequence->finished; });
  if (active_.empty()) return !waiting_.empty();

  std::vector<SequenceRows> rows;
  std::vector<Sequence*> stepping;
  std::vector<Sequence*> choosing;
  std::vector<int64_t> wanted;  // rows whose logits are wanted
  int64_t total = 0;
  // Written rows come first.
  const auto writes = [](const auto& sequence) { return sequence->written > 0; };
  std::ranges::stable_partition(active_, writes);
  const int64_t written = std::ranges::count_if(active_, writes);
  for (const auto& sequence : active_) {
    const int64_t left = static_cast<int64_t>(sequence->ids.size()) - sequence->done;
    const int64_t count = std::min(left, std::max<int64_t>(1, prefill_rows - total));
    rows.push_back({total, count, sequence->done, sequence->pages.pages()});
    stepping.push_back(sequence.get());
    total += count;
    if (count == left) {
      wanted.push_back(total - 1);
      choosing.push_back(sequence.get());
    }
  }
  const int64_t hidden = decoder_.config().hidden;
  const Tensor x(device_, DataType::f32, {total, hidden});
  for (size_t i = 0; i < stepping.size(); ++i)
    embed(*stepping[i], rows[i].rows, x.view().slice(rows[i].first_row, rows[i].rows));
  const Tensor logits = decoder_.step(x, rows, written, wanted, cache_);
  for (size_t i = 0; i < stepping.size(); ++i) stepping[i]->done += rows[i].rows;
  const auto vocabulary = static_cast<size_t>(decoder_.config().vocabulary);
  logits_.resize(choosing.size() * vocabulary);
  if (logits) device_.read(logits, logits_.data());
  for (size_t i = 0; i < choosing.size(); ++i) choose(*choosing[i], {logits_.data() + i * vocabulary, vocabulary});
  std::erase_if(active_, [](const auto& sequence) { return sequence->finished; });
  return !active_.empty() || !waiting_.empty();
}

}  // namespace lectern
