#include "cli/progress_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"

namespace lectern::cli {

void ProgressLine::begin(const std::string& input, size_t index, size_t count) {
  name_ = in_one_line(input);
  if (count > 1) name_ = fmt::format("[{}/{}] {}", index + 1, count, name_);
  next_ = {};
}

void ProgressLine::show(const Progress& progress) {
  constexpr std::chrono::milliseconds pause(100);
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || (progress.stage == stage_ && now < next_)) return;
  stage_ = progress.stage;
  next_ = now + pause;
  switch (progress.stage) {
    case Stage::encode: return write("looking at the page");
    case Stage::prefill: return write(fmt::format("taking in {} tokens", progress.prompt_tokens));
    case Stage::decode:
      return write(progress.seconds > 0.1 ? fmt::format("{} tokens, {:.0f} a second", progress.tokens,
                                                        static_cast<double>(progress.tokens) / progress.seconds)
                                          : fmt::format("{} tokens", progress.tokens));
  }
}

void ProgressLine::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressLine::summarise(const PageText& page) {
  if (!shown_) return;
  clear();
  const std::string line = fmt::format(
      "{}: {} mode, {} image tokens in {:.2f} s, prompt in {:.2f} s, {} tokens in {:.2f} s\n", name_, page.mode,
      page.vision_tokens, page.encode_seconds, page.prefill_seconds, page.tokens, page.decode_seconds);
  std::fputs(line.c_str(), stderr);
}

void ProgressLine::write(const std::string& text) {
  // Without wrapping: of a line broken in two, only the second half could be cleared.
  std::fputs(fmt::format("\r\033[K\033[?7l{}: {}\033[?7h", name_, text).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace lectern::cli
