#include "reading/lines_page_reader.h"

#include <algorithm>
#include <optional>
#include <span>

#include "core/stopwatch.h"
#include "device/device_failure.h"
#include "engine/prompts.h"
#include "lines/read_lines.h"
#include "reading/page_warnings.h"
#include "reading/view_text.h"

namespace lectern {

// A page that is being read.
struct LinesPageReader::Reading {
  PageJob job;
  std::shared_ptr<const ReadOptions> options, view_options;
  TextPage text;
  std::vector<TextPiece> pieces;
  std::vector<std::optional<RowText>> rows;  // what was read of every piece
  std::vector<Page> written;   // of each piece that is the first of its view: the view's counts, tokens, loops and end
  std::vector<size_t> begins;  // where in the page's text each shown piece begins
  Page page;                   // times of all views; text, counts and tokens of those shown
  size_t views = 0;            // to come
  size_t shown = 0;            // pieces that are in the text
  size_t told = 0;             // bytes of it
  std::optional<Finish> end;   // why no more is shown
  bool cancelled = false;
};

namespace {

// Adds the counts and tokens of a view whose text is shown.
void add_written(const Page& view, Page& page) {
  page.stats.vision_tokens += view.stats.vision_tokens;
  page.stats.prompt_tokens += view.stats.prompt_tokens;
  page.stats.tokens += view.stats.tokens;
  page.token_logprobs.insert(page.token_logprobs.end(), view.token_logprobs.begin(), view.token_logprobs.end());
}

void add_times(const Page& view, Page& page) {
  page.stats.encode_seconds += view.stats.encode_seconds;
  page.stats.prefill_seconds += view.stats.prefill_seconds;
  page.stats.decode_seconds += view.stats.decode_seconds;
}

void add_loops(const GuardReport& more, GuardReport& all) {
  if (more.loops > 0) all.recovered = more.recovered && (all.loops == 0 || all.recovered);
  all.loops += more.loops;
  all.dropped += more.dropped;
  if (more.action != Retry::none) all.action = more.action;
}

// Loops of views, and the first end that is not that of the text unless one was given up, in reading order: which view
// was done first depends on who else was being read.
void add_outcomes(std::span<const Page> views, Page& page) {
  for (const Page& view : views) {
    add_loops(view.guard, page.guard);
    const bool given_up = view.finish == Finish::stopped || view.finish == Finish::deadline;
    if (given_up || (!page.finish && view.finish != Finish::end)) page.finish = view.finish;
  }
}

// Options of the views. Stop strings may begin in one view and end in another, so they are searched for in the text of
// the page. Log-probabilities give the confidence of its words.
std::shared_ptr<const ReadOptions> view_options(const ReadOptions& page) {
  ReadOptions options = page;
  options.prompt = "free";
  options.raw = false;
  options.logprobs = true;
  options.stop.clear();
  return std::make_shared<const ReadOptions>(std::move(options));
}

}  // namespace

bool asks_for_lines(const ReadOptions& options, const ModelDescription& model) {
  if (options.mode != Mode::lines && options.mode != Mode::automatic) return false;
  const Prompt prompt = parse_prompt(options.prompt, model, options.force_mode);
  return prompt.all_text || prompt.grounded;
}

LinesPageReader::LinesPageReader(std::unique_ptr<PageReader> views, const RowFormat& format,
                                 const ModelDescription& model, const ReadOptions& options, int pages)
    : reader_(std::move(views)),
      format_(format),
      model_(model),
      options_(std::make_shared<const ReadOptions>(options)),
      pages_(std::max(1, pages)) {}

LinesPageReader::~LinesPageReader() = default;

int LinesPageReader::room() const { return pages_ - static_cast<int>(readings_.size()); }

// Queues views of `rows` pieces each.
void LinesPageReader::queue_views(Reading& reading, std::span<const size_t> pieces, size_t rows) {
  std::vector<TextPiece> wanted;
  wanted.reserve(pieces.size());
  for (const size_t piece : pieces) wanted.push_back(reading.pieces[piece]);
  std::vector<Picture> pictures = stack_pieces(reading.text, wanted, format_, rows);
  for (size_t i = 0; i < pictures.size(); ++i) {
    const std::span<const size_t> shown = pieces.subspan(i * rows, std::min(rows, pieces.size() - i * rows));
    View view;
    view.reading = &reading;
    view.pieces.assign(shown.begin(), shown.end());
    view.job.picture = std::make_shared<const Picture>(std::move(pictures[i]));
    view.job.page.width = view.job.page.height = format_.view;
    view.job.options = reading.view_options;
    view.job.deadline = reading.job.deadline;
    waiting_.push_back(std::move(view));
    ++reading.views;
  }
}

void LinesPageReader::add(PageJob job) {
  auto reading = std::make_unique<Reading>();
  const Stopwatch looking;
  reading->options = job.options ? job.options : options_;
  reading->view_options = view_options(*reading->options);
  if (asks_for_lines(*reading->options, model_)) {
    reading->text = find_text(*job.picture);
    reading->pieces = cut_into_pieces(reading->text, format_);
  }
  reading->rows.resize(reading->pieces.size());
  reading->written.resize(reading->pieces.size());
  reading->job = std::move(job);
  reading->page = reading->job.page;
  reading->page.mode = Mode::lines;
  reading->page.stats.encode_seconds += looking.seconds();
  std::vector<size_t> unknown;
  for (size_t i = 0; i < reading->pieces.size(); ++i) {
    if (reading->pieces[i].text.empty()) {
      unknown.push_back(i);
    } else {
      reading->rows[i] = RowText{reading->pieces[i].text};
    }
  }
  if (unknown.empty()) {
    reading->pieces.clear();
    reading->rows.clear();
    reading->written.clear();
    View view;
    view.reading = reading.get();
    view.job = reading->job;
    view.job.options = reading->options;
    waiting_.push_back(std::move(view));
    ++reading->views;
  } else {
    queue_views(*reading, unknown, static_cast<size_t>(format_.rows()));
  }
  readings_.push_back(std::move(reading));
}

void LinesPageReader::cancel(size_t ticket) {
  for (const auto& reading : readings_) {
    if (reading->job.ticket != ticket) continue;
    reading->cancelled = true;
    end_views(*reading);
  }
}

// Drops the queued views of the page, and ends those in flight soon.
void LinesPageReader::end_views(Reading& reading) {
  reading.views -=
      std::erase_if(waiting_, [&](const View& view) { return view.reading == &reading && !view.pieces.empty(); });
  for (const auto& [inner, view] : in_flight_) {
    if (view.reading == &reading) reader_->cancel(inner);
  }
}

void LinesPageReader::start_views(std::vector<PageEvent>& events) {
  while (!waiting_.empty() && reader_->room() > 0) {
    View view = std::move(waiting_.front());
    waiting_.pop_front();
    const size_t ticket = ++last_ticket_;
    view.job.ticket = ticket;
    PageJob job = view.job;
    view.job.picture.reset();
    Reading& reading = *view.reading;
    try {
      reader_->add(std::move(job));
      in_flight_.emplace(ticket, std::move(view));
    } catch (const DeviceFailure&) {
      throw;
    } catch (const std::exception&) {
      PageEvent& failed = events.emplace_back();
      failed.ticket = reading.job.ticket;
      failed.kind = PageEvent::Kind::failed;
      failed.error = std::current_exception();
      drop(reading);
      continue;
    }
    if (in_flight_.at(ticket).reading->cancelled) reader_->cancel(ticket);
  }
}

void LinesPageReader::step(std::vector<PageEvent>& events) {
  start_views(events);
  std::vector<PageEvent> inner;
  reader_->step(inner);
  for (PageEvent& event : inner) take(std::move(event), events);
  // Pages whose views were all dropped from the queue when they were cancelled.
  for (size_t i = 0; i < readings_.size();) {
    Reading& reading = *readings_[i];
    if (reading.views == 0) {
      deliver(reading, events);
      drop(reading);
    } else {
      ++i;
    }
  }
}

void LinesPageReader::take(PageEvent event, std::vector<PageEvent>& events) {
  const auto place = in_flight_.find(event.ticket);
  if (place == in_flight_.end()) return;
  Reading& reading = *place->second.reading;
  event.ticket = reading.job.ticket;
  const bool whole = place->second.pieces.empty();
  switch (event.kind) {
    case PageEvent::Kind::text:
      if (whole) events.push_back(std::move(event));
      return;
    case PageEvent::Kind::progress:
      if (!whole) {
        for (const Page& view : reading.written) event.progress.tokens += view.stats.tokens;
      }
      events.push_back(std::move(event));
      return;
    case PageEvent::Kind::failed:
      events.push_back(std::move(event));
      drop(reading);
      return;
    case PageEvent::Kind::finished: {
      const View view = std::move(place->second);
      in_flight_.erase(place);
      --reading.views;
      if (whole) {
        events.push_back(std::move(event));
        drop(reading);
        return;
      }
      take_view(view, event.page, events);
      return;
    }
  }
}

void LinesPageReader::take_view(const View& view, const Page& page, std::vector<PageEvent>& events) {
  Reading& reading = *view.reading;
  add_times(page, reading.page);
  if (reading.end) return;
  Page& written = reading.written[view.pieces.front()];
  const RowText text = text_of_view(page);
  std::optional<std::vector<RowText>> rows = split_rows(text, view.pieces.size());
  if (!rows && view.pieces.size() > 1 && page.finish != Finish::stopped) {
    // It is unknown which row is missing, so each is read by itself.
    GuardReport guard = page.guard;
    guard.recovered = true;  // the text is read again
    add_loops(guard, written.guard);
    queue_views(reading, view.pieces, 1);
    return;
  }
  if (!rows) {
    rows.emplace(view.pieces.size());
    rows->front() = on_one_line(text);
  }
  for (size_t i = 0; i < view.pieces.size(); ++i) reading.rows[view.pieces[i]] = std::move((*rows)[i]);
  add_written(page, written);
  add_loops(page.guard, written.guard);
  written.finish = page.finish;
  show(reading, events);
}

// Appends complete lines to the text so far. The page ends when its tokens are used up, or at a stop string.
void LinesPageReader::show(Reading& reading, std::vector<PageEvent>& events) {
  const int64_t limit = reading.options->max_tokens;
  Page& page = reading.page;
  // Pieces up to this one are in the tokens of the page.
  const auto used_up = [&](size_t piece) {
    return limit > 0 && reading.written[piece].stats.tokens > 0 && page.stats.tokens >= limit;
  };
  while (reading.shown < reading.pieces.size() && !reading.end) {
    const size_t line_begin = reading.shown;
    const TextPiece& first = reading.pieces[line_begin];
    size_t end = line_begin;
    const auto in_line = [&] {
      return end < reading.pieces.size() && reading.pieces[end].block == first.block &&
             reading.pieces[end].line == first.line;
    };
    while (in_line() && reading.rows[end]) ++end;
    if (in_line()) break;
    std::string line;
    if (line_begin > 0) line = reading.pieces[line_begin - 1].block == first.block ? "\n" : "\n\n";
    for (; reading.shown < end && !reading.end; ++reading.shown) {
      const size_t piece = reading.shown;
      if (used_up(piece)) {
        reading.end = Finish::length;
        break;
      }
      add_written(reading.written[piece], page);
      if (piece > line_begin && !reading.pieces[piece - 1].continues) line += ' ';
      reading.begins.push_back(page.raw.size() + line.size());
      line += reading.rows[piece]->text;
    }
    if (reading.shown > line_begin) page.raw += line;
  }
  const size_t stop = first_stop(page.raw, reading.options->stop, reading.told);
  if (stop != std::string::npos) {
    page.raw.resize(stop);
    reading.end = Finish::stop_string;
  }
  tell(reading, events, reading.end.has_value());
  if (reading.end) end_views(reading);
}

// Tells new text: all of it, or without what may be the beginning of a stop string.
void LinesPageReader::tell(Reading& reading, std::vector<PageEvent>& events, bool all) {
  const std::string& raw = reading.page.raw;
  const size_t safe = raw.size() - (all ? 0 : beginning_of_stop(raw, reading.options->stop));
  if (safe <= reading.told) return;
  PageEvent& event = events.emplace_back();
  event.ticket = reading.job.ticket;
  event.keep = reading.told;
  event.more = raw.substr(reading.told, safe - reading.told);
  reading.told = safe;
}

void LinesPageReader::deliver(Reading& reading, std::vector<PageEvent>& events) {
  tell(reading, events, true);
  Page page = std::move(reading.page);
  std::vector<RowText> texts;
  for (size_t i = 0; i < reading.rows.size(); ++i) {
    RowText row = reading.rows[i].value_or(RowText{});
    if (reading.end) {
      const size_t begin = i < reading.begins.size() ? std::min(reading.begins[i], page.raw.size()) : page.raw.size();
      row.text.resize(std::min(row.text.size(), page.raw.size() - begin));
      row.scores.resize(std::min(row.scores.size(), row.text.size()));
    }
    texts.push_back(std::move(row));
  }
  page.blocks = read_blocks(reading.text, reading.pieces, texts);
  add_outcomes(std::span(reading.written).first(reading.end ? reading.shown : reading.written.size()), page);
  const bool all_read = std::ranges::all_of(reading.rows, [](const auto& row) { return row.has_value(); });
  if (reading.end) {
    page.finish = reading.end;
  } else if (!all_read) {
    page.finish = Finish::stopped;  // the others were not begun
  } else if (!page.finish) {
    page.finish = Finish::end;
  }
  if (!reading.options->logprobs) page.token_logprobs.clear();
  judge(page, *reading.job.picture, true, page.stats.tokens);
  PageEvent& event = events.emplace_back();
  event.ticket = reading.job.ticket;
  event.kind = PageEvent::Kind::finished;
  event.page = std::move(page);
}

void LinesPageReader::drop(Reading& reading) {
  std::erase_if(waiting_, [&](const View& view) { return view.reading == &reading; });
  for (auto place = in_flight_.begin(); place != in_flight_.end();) {
    if (place->second.reading == &reading) {
      reader_->cancel(place->first);
      place = in_flight_.erase(place);
    } else {
      ++place;
    }
  }
  std::erase_if(readings_, [&](const auto& other) { return other.get() == &reading; });
}

void LinesPageReader::clear() {
  reader_->clear();
  waiting_.clear();
  in_flight_.clear();
  readings_.clear();
}

}  // namespace lectern
