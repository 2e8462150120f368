#include "reading/lines_page_reader.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "core/clock.h"
#include "core/confidence.h"
#include "device/device_failure.h"
#include "layout/layout_tags.h"
#include "lines/read_lines.h"
#include "reading/page_warnings.h"

namespace lectern {

// A page in the making.
struct LinesPageReader::Reading {
  PageJob job;
  TextPage text;
  std::vector<TextPiece> pieces;
  std::vector<std::optional<RowText>> rows;  // what was read of every piece
  // Of its view, told with its first piece: tokens that it took, and their log-probabilities.
  std::vector<int64_t> tokens;
  std::vector<std::vector<float>> logprobs;
  DocumentPage page;       // sums over the views, warnings
  bool lost_text = false;  // in a view with a repetition
  size_t views = 0;        // to come
  size_t shown = 0;        // pieces whose text was told
  bool cancelled = false;
};

namespace {

// The plain text of a view, without special tokens that a model may write.
RowText text_of(const DocumentPage& view) {
  const std::vector<float> scores = byte_scores(view.raw, view.token_ends, view.token_logprobs);
  RowText text;
  for (size_t at = 0; at < view.raw.size();) {
    if (const size_t token = special_token_length(std::string_view(view.raw).substr(at)); token > 0) {
      at += token;
      continue;
    }
    text.text += view.raw[at];
    if (!view.token_ends.empty()) text.scores.push_back(scores[at]);
    ++at;
  }
  return text;
}

// Of several lines that were read of one row, what remains of other lines in it is read as nonsense: only lines that
// are at least half as sure as the surest are kept.
RowText on_one_line(const RowText& view) {
  struct Line {
    size_t begin, end;
    double confidence;
  };
  std::vector<Line> lines;
  double most = 0;
  for (size_t at = 0; at < view.text.size();) {
    const size_t end = std::min(view.text.find('\n', at), view.text.size());
    MeanConfidence words;
    if (!view.scores.empty()) {
      words.add_words(std::string_view(view.text).substr(at, end - at), std::span(view.scores).subspan(at, end - at));
    }
    lines.push_back({at, end, words.value().value_or(0)});
    most = std::max(most, lines.back().confidence);
    at = end + 1;
  }
  RowText row;
  for (const Line& line : lines) {
    if (line.confidence * 2 < most) continue;
    if (!row.text.empty()) row.text += ' ';
    row.text += view.text.substr(line.begin, line.end - line.begin);
    if (view.scores.empty()) continue;
    row.scores.resize(row.text.size() - (line.end - line.begin));
    row.scores.insert(row.scores.end(), view.scores.begin() + static_cast<ptrdiff_t>(line.begin),
                      view.scores.begin() + static_cast<ptrdiff_t>(line.end));
  }
  return row;
}

void add_counts(const DocumentPage& view, DocumentPage& page) {
  page.stats += view.stats;
  page.guard.loops += view.guard.loops;
  page.guard.dropped += view.guard.dropped;
  if (view.guard.action != Retry::none) page.guard.action = view.guard.action;
}

}  // namespace

LinesPageReader::LinesPageReader(std::unique_ptr<PageReader> views, const RowFormat& format,
                                 const ReadOptions& page_options, const ReadOptions& view_options, int pages)
    : reader_(std::move(views)),
      format_(format),
      page_options_(std::make_shared<const ReadOptions>(page_options)),
      view_options_(std::make_shared<const ReadOptions>(view_options)),
      pages_(std::max(1, pages)) {}

LinesPageReader::~LinesPageReader() = default;

int LinesPageReader::room() const { return pages_ - static_cast<int>(readings_.size()); }

// Views of `rows` pieces each.
void LinesPageReader::queue_views(Reading& reading, size_t first, size_t count, size_t rows) {
  std::vector<Picture> pictures =
      stack_pieces(reading.text, std::span(reading.pieces).subspan(first, count), format_, rows);
  for (size_t i = 0; i < pictures.size(); ++i) {
    View view;
    view.reading = &reading;
    view.first_piece = first + i * rows;
    view.pieces = std::min(rows, count - i * rows);
    view.job.picture = std::make_shared<const Picture>(std::move(pictures[i]));
    view.job.page.width = view.job.page.height = format_.view;
    view.job.options = view_options_;
    view.job.deadline = reading.job.deadline;
    waiting_.push_back(std::move(view));
    ++reading.views;
  }
}

void LinesPageReader::add(PageJob job) {
  auto reading = std::make_unique<Reading>();
  const Clock looking;
  reading->text = find_text(*job.picture);
  reading->pieces = cut_into_pieces(reading->text, format_);
  reading->rows.resize(reading->pieces.size());
  reading->tokens.resize(reading->pieces.size());
  reading->logprobs.resize(reading->pieces.size());
  reading->job = std::move(job);
  reading->page = reading->job.page;
  reading->page.mode = Mode::lines;
  reading->page.stats.encode_seconds += looking.seconds();
  if (reading->pieces.empty()) {
    View view;
    view.reading = reading.get();
    view.job = reading->job;
    view.job.options = reading->job.options ? reading->job.options : page_options_;
    waiting_.push_back(std::move(view));
    ++reading->views;
  } else {
    queue_views(*reading, 0, reading->pieces.size(), static_cast<size_t>(format_.rows()));
  }
  readings_.push_back(std::move(reading));
}

void LinesPageReader::cancel(size_t ticket) {
  for (const auto& reading : readings_) {
    if (reading->job.ticket != ticket) continue;
    reading->cancelled = true;
    const auto of_page = [&](const View& view) { return view.reading == reading.get() && view.pieces > 0; };
    reading->views -= std::erase_if(waiting_, of_page);
  }
  for (const auto& [inner, view] : in_flight_) {
    if (view.reading->job.ticket == ticket) reader_->cancel(inner);
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
  const bool whole = place->second.pieces == 0;
  switch (event.kind) {
    case PageEvent::Kind::text:
      if (whole) events.push_back(std::move(event));
      return;
    case PageEvent::Kind::progress:
      if (!whole) event.progress.tokens += reading.page.stats.tokens;
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

void LinesPageReader::take_view(const View& view, const DocumentPage& page, std::vector<PageEvent>& events) {
  Reading& reading = *view.reading;
  add_counts(page, reading.page);
  const RowText text = text_of(page);
  std::optional<std::vector<RowText>> rows = split_rows(text, view.pieces);
  if (!rows && view.pieces > 1 && page.finish != Finish::stopped) {
    // Which row is missing nobody knows: each is read by itself.
    queue_views(reading, view.first_piece, view.pieces, 1);
    return;
  }
  if (!rows) {
    rows.emplace(view.pieces);
    rows->front() = on_one_line(text);
  }
  reading.lost_text = reading.lost_text || (page.guard.loops > 0 && !page.guard.recovered);
  for (size_t i = 0; i < view.pieces; ++i) reading.rows[view.first_piece + i] = std::move((*rows)[i]);
  reading.tokens[view.first_piece] += page.stats.tokens;
  reading.logprobs[view.first_piece] = page.token_logprobs;
  if (page.finish != Finish::end && !reading.page.finish) reading.page.finish = page.finish;
  show(reading, events);
}

// Tells the text of lines that are whole and follow what was told.
void LinesPageReader::show(Reading& reading, std::vector<PageEvent>& events) {
  PageEvent event;
  event.ticket = reading.job.ticket;
  while (reading.shown < reading.pieces.size()) {
    const TextPiece& first = reading.pieces[reading.shown];
    size_t end = reading.shown;
    bool whole = true;
    std::string line;
    for (; end < reading.pieces.size() && reading.pieces[end].block == first.block &&
           reading.pieces[end].line == first.line;
         ++end) {
      whole = whole && reading.rows[end].has_value();
      if (!whole) break;
      if (end > reading.shown && !reading.pieces[end - 1].continues) line += ' ';
      line += reading.rows[end]->text;
    }
    if (!whole) break;
    if (reading.shown > 0) event.more += reading.pieces[reading.shown - 1].block == first.block ? "\n" : "\n\n";
    event.more += line;
    reading.shown = end;
  }
  if (event.more.empty()) return;
  event.keep = reading.page.raw.size();
  reading.page.raw += event.more;
  events.push_back(std::move(event));
}

void LinesPageReader::deliver(Reading& reading, std::vector<PageEvent>& events) {
  DocumentPage page = std::move(reading.page);
  const int64_t limit = page_options_->max_tokens;
  std::vector<RowText> texts;
  int64_t tokens = 0;  // of the views that are kept
  bool cut = false;
  for (size_t i = 0; i < reading.rows.size(); ++i) {
    if (reading.tokens[i] > 0) cut = cut || (limit > 0 && tokens >= limit);  // the first piece of a view
    texts.push_back(cut ? RowText{} : reading.rows[i].value_or(RowText{}));
    if (cut) continue;
    tokens += reading.tokens[i];
    if (page_options_->logprobs) std::ranges::copy(reading.logprobs[i], std::back_inserter(page.token_logprobs));
  }
  page.blocks = read_blocks(reading.text, reading.pieces, texts);
  if (!page.finish) page.finish = reading.cancelled ? Finish::stopped : Finish::end;
  if (cut) page.finish = Finish::length;
  page.guard.recovered = page.guard.loops > 0 && !reading.lost_text;
  judge(page, *reading.job.picture, true, tokens);
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
