#include "cli/live_text.h"

#include <cerrno>
#include <cstdio>

#include "core/files/file.h"
#include "layout/text/shown_text.h"

namespace lectern::cli {

void LiveText::put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw system_error("standard output", "cannot be written", errno);
  }
  line_open_ = !text.ends_with('\n');
}

void LiveText::close_line() {
  if (line_open_) put("\n");
}

void LiveText::text(const PageKey& page, size_t keep, std::string_view more) {
  if (more.empty()) return;
  if (page != page_ || keep < put_) {
    close_line();
    if (written_) put("\n");
    page_ = page;
  }
  put(terminal_text(more));
  written_ = true;
  put_ = keep + more.size();
}

}  // namespace lectern::cli
