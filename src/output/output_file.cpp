#include "output/output_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/utf8.h"
#include "layout/text/shown_text.h"

namespace lectern {
namespace {

constexpr size_t block_size = size_t{1} << 18;

// Bytes of the character that the end of the text cuts off.
size_t cut_off(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(3, text.size()); ++length) {
    const std::string_view end = text.substr(text.size() - length);
    const auto lead = static_cast<unsigned char>(end.front());
    if (lead >= 0xC0) return first_utf8(end).state == Utf8State::truncated ? length : 0;
    if (lead < 0x80) break;
  }
  return 0;
}

}  // namespace

OutputFile::OutputFile(const Destination& to)
    : sink_(to.sink), terminal_(!sink_ && to.path == "-" && ::isatty(STDOUT_FILENO) != 0) {
  if (to.path != "-") file_.emplace(to.path);
}

void OutputFile::write(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() >= block_size) flush();
}

void OutputFile::flush() {
  const size_t held = terminal_ ? cut_off(pending_) : 0;
  const std::string rest = pending_.substr(pending_.size() - held);
  pending_.resize(pending_.size() - held);
  put(terminal_ ? terminal_text(pending_) : pending_);
  pending_ = rest;
}

void OutputFile::put(std::string_view bytes) {
  if (file_) {
    file_->write(bytes);
  } else if (sink_) {
    if (!bytes.empty()) sink_(bytes);
  } else if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0) {
    throw system_error("standard output", "cannot be written", errno);
  }
}

void OutputFile::finish() {
  flush();
  if (!pending_.empty()) put(terminal_text(pending_));
  if (file_) file_->commit();
}

}  // namespace lectern
