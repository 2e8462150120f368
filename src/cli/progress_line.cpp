#include "cli/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/commands.h"

namespace lectern::cli {
namespace {

constexpr int bar_width = 20;

std::string tokens_text(int64_t tokens) { return fmt::format("{} {}", tokens, tokens == 1 ? "token" : "tokens"); }

// Of a single page: what the model does with it.
std::string page_text(const RunProgress& run) {
  const std::string name = in_one_line(run.name);
  const Progress& page = run.page;
  switch (page.stage) {
    case Stage::encode: return name + ": looking at the page";
    case Stage::prefill: return fmt::format("{}: taking in {} tokens", name, page.prompt_tokens);
    case Stage::decode: break;
  }
  if (page.seconds <= 0.1) return fmt::format("{}: {}", name, tokens_text(page.tokens));
  return fmt::format("{}: {}, {:.0f} a second", name, tokens_text(page.tokens),
                     static_cast<double>(page.tokens) / page.seconds);
}

// Of many pages. Inputs that are not yet open count with the average of the others.
std::string run_text(const RunProgress& run, double seconds_of_done) {
  int64_t pages = run.pages;
  if (run.opened > 0 && run.opened < run.inputs) {
    pages += static_cast<int64_t>(run.inputs - run.opened) *
             std::max<int64_t>(1, run.pages / static_cast<int64_t>(run.opened));
  }
  const int filled = pages > 0 ? static_cast<int>(run.done * bar_width / pages) : 0;
  std::string text = fmt::format("[{:=<{}}{:{}}] {} of {}{} pages", "", filled, "", bar_width - filled, run.done,
                                 run.opened < run.inputs ? "about " : "", pages);
  if (run.failed > 0) text += fmt::format(", {} failed", run.failed);
  const int64_t read = run.done - run.from_journal;
  if (read > 0) {
    const double seconds = seconds_of_done / static_cast<double>(read);
    text += fmt::format(", {:.1f} s a page", seconds);
    if (run.done < pages)
      text += fmt::format(", {} left", duration_text(seconds * static_cast<double>(pages - run.done)));
  }
  return run.name.empty() || run.done == pages ? text : text + "; " + page_text(run);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

void ProgressLine::show(const RunProgress& run) {
  if (style_ == Style::none) return;
  const bool single = run.inputs == 1 && run.opened == 1 && run.pages == 1;
  const auto now = std::chrono::steady_clock::now();
  const bool changed = single ? run.page.stage != stage_ : run.done != done_;
  if (now < next_ && !(changed && style_ == Style::line)) return;
  stage_ = run.page.stage;
  if (run.done != done_) seconds_ = run.seconds;
  done_ = run.done;
  if (single && run.name.empty()) return;
  const std::string text = single ? page_text(run) : run_text(run, seconds_);
  if (style_ == Style::plain) {
    next_ = now + std::chrono::seconds(10);
    std::fputs((text + "\n").c_str(), stderr);
    return;
  }
  next_ = now + std::chrono::milliseconds(100);
  // Without wrapping: of a line broken in two, only the second half could be cleared.
  std::fputs(fmt::format("\r\033[K\033[?7l{}\033[?7h", text).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressLine::summarise(const RunReport& report, const Page& last_page) {
  if (style_ == Style::none) return;
  clear();
  std::string text;
  if (report.pages == 1 && report.read == 1 && last_page.stats.tokens > 0) {
    text = fmt::format("{}: {} mode, {} image tokens in {:.2f} s, prompt in {:.2f} s, {} tokens in {:.2f} s",
                       in_one_line(report.inputs.front().source), name_of(last_page.mode),
                       last_page.stats.vision_tokens, last_page.stats.encode_seconds, last_page.stats.prefill_seconds,
                       last_page.stats.tokens, last_page.stats.decode_seconds);
  } else if (report.pages > 1 && report.seconds > 0) {
    const auto pages = static_cast<double>(std::max<int64_t>(1, report.read));
    text = fmt::format("{} of {} pages read in {} ({:.1f} s a page, {:.0f} tokens a second)", report.read, report.pages,
                       duration_text(report.seconds), report.seconds / pages,
                       static_cast<double>(report.stats.tokens) / report.seconds);
  }
  if (!text.empty()) std::fputs((text + "\n").c_str(), stderr);
}

}  // namespace lectern::cli
