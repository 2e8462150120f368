#include "pdf_helper/reports.h"

#include <fcntl.h>
#include <poppler/cpp/poppler-global.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lectern::pdf {
namespace {

constexpr size_t max_lines = 12, max_line = 300;  // of one page; bytes

// "error (123): Missing endstream" -> "Missing endstream"
std::string_view without_prefix(std::string_view line) {
  if (!line.starts_with("poppler/") && !line.starts_with("error")) return line;
  const size_t colon = line.find(": ");
  return colon == std::string_view::npos ? line : line.substr(colon + 2);
}

}  // namespace

Reports::Reports() {
  poppler::set_debug_error_function(
      [](const std::string& message, void* reports) { static_cast<Reports*>(reports)->add(message); }, this);
  std::array<int, 2> ends{};
  // A full pipe swallows what comes then, and nobody waits.
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  if (::dup2(ends[1], STDERR_FILENO) >= 0) standard_error_ = ends[0];
  ::close(ends[1]);
}

void Reports::add(std::string_view text) {
  std::string line(without_prefix(text).substr(0, max_line));
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  constexpr std::string_view line_break = "<0a>";  // as poppler writes it
  while (line.ends_with(line_break)) line.resize(line.size() - line_break.size());
  while (line.ends_with(' ')) line.pop_back();
  if (line == "Incorrect password") return;  // of each spelling that is tried; the answer says whether one fitted
  if (line.empty() || std::ranges::find(lines_, line) != lines_.end()) return;
  if (lines_.size() < max_lines) {
    lines_.push_back(std::move(line));
  } else {
    ++left_out_;
  }
}

std::vector<std::string> Reports::take() {
  std::string written;
  std::array<char, 4096> block{};
  for (ssize_t got = 0; standard_error_ >= 0 && (got = ::read(standard_error_, block.data(), block.size())) > 0;) {
    written.append(block.data(), static_cast<size_t>(got));
  }
  for (std::string_view rest = written; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    add(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (left_out_ > 0) lines_.push_back("and " + std::to_string(left_out_) + " more reports");
  left_out_ = 0;
  return std::exchange(lines_, {});
}

}  // namespace lectern::pdf
