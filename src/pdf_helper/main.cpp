// lectern-pdf renders the pages of one PDF for lectern, in a process of its own: a hostile or broken file ends this
// helper and not the reader. It has little memory, cannot write files, and ends with its parent.
//
// This program links poppler and is therefore under the GPL, version 2 or later, as a whole; it shares no address
// space with lectern, which links no part of poppler and stays under its own licence. Any program that talks as
// pdf/protocol.h says may stand in for it (LECTERN_PDF).
#include <fcntl.h>
#include <poll.h>
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "pdf_helper/protocol.h"

namespace lectern::pdf {
namespace {

// A page of the largest size is rendered in bands, each with a copy that poppler makes, and a page may hold pictures
// and transparent groups of the size of a band: 2 GiB serve every honest page seen, and leave room on a laptop.
constexpr rlim_t memory_limit = rlim_t{2} << 30;
constexpr double band_pixels = 32e6;
constexpr rlim_t seconds_of_a_request = 300;  // of processor time, should the parent not end it earlier

constexpr int channel = STDIN_FILENO;

void limit(int resource, rlim_t value) {
  const rlimit both = {value, value};
  static_cast<void>(::setrlimit(static_cast<__rlimit_resource_t>(resource), &both));
}

// Before anything of the file is looked at.
void confine() {
  static_cast<void>(::close_range(file_descriptor + 1, ~0u, 0));
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 64);
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes of addresses
  limit(RLIMIT_AS, memory_limit);
#endif
  static_cast<void>(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);  // an interrupt from the terminal is the parent's to handle
  std::signal(SIGPIPE, SIG_DFL);
}

// Ends this process when the parent is gone, in the middle of a page too. PR_SET_PDEATHSIG would not do: it strikes
// when the thread that started the helper ends, though others of the parent go on.
void end_with_parent() {
  std::thread([] {
    pollfd parent = {channel, POLLRDHUP, 0};
    while (::poll(&parent, 1, -1) < 0 && errno == EINTR) {
    }
    ::_exit(0);
  }).detach();
}

void allow_another_request() {
  rusage used{};
  static_cast<void>(::getrusage(RUSAGE_SELF, &used));
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  rlimit now{};
  static_cast<void>(::getrlimit(RLIMIT_CPU, &now));
  now.rlim_cur = seconds + seconds_of_a_request;
  static_cast<void>(::setrlimit(RLIMIT_CPU, &now));
}

// false: the parent is gone.
bool receive(void* to, size_t bytes) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::read(channel, at, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

void send(const void* from, size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t sent = ::write(channel, at, bytes);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) ::_exit(0);
    at += sent;
    bytes -= static_cast<size_t>(sent);
  }
}

void refuse(Status status, std::string_view message = {}) {
  Answer answer;
  answer.status = status;
  message = message.substr(0, max_message);
  answer.bytes = message.size();
  send(&answer, sizeof answer);
  send(message.data(), message.size());
}

using Document = std::unique_ptr<poppler::document>;

Document open(const std::string& password) {
  Document document(poppler::document::load_from_file("/proc/self/fd/" + std::to_string(file_descriptor)));
  if (!document) {
    refuse(Status::failed, "is not a PDF, or is damaged beyond repair");
    return nullptr;
  }
  // unlock() says whether the document is still locked.
  if (document->is_locked() && (password.empty() || document->unlock(password, password))) {
    refuse(password.empty() ? Status::locked : Status::wrong_password);
    return nullptr;
  }
  const int pages = document->pages();
  if (pages < 1 || pages > max_pages) {
    refuse(Status::failed, pages < 1 ? "has no pages" : "claims to have " + std::to_string(pages) + " pages");
    return nullptr;
  }
  Answer answer;
  answer.status = Status::done;
  answer.pages = pages;
  send(&answer, sizeof answer);
  return document;
}

int turn_of(const poppler::page& page) {
  switch (page.orientation()) {
    case poppler::page::landscape: return 90;
    case poppler::page::upside_down: return 180;
    case poppler::page::seascape: return 270;
    default: return 0;
  }
}

void render(const poppler::document& document, const Request& request) {
  if (request.page < 0 || request.page >= document.pages()) return refuse(Status::failed, "there is no such page");
  const std::unique_ptr<poppler::page> page(document.create_page(request.page));
  if (!page) return refuse(Status::failed, "its object in the PDF is missing or damaged");

  Answer answer;
  answer.turn = turn_of(*page);
  const poppler::rectf area = page->page_rect(poppler::crop_box);  // as stored
  const bool lies = answer.turn == 90 || answer.turn == 270;
  const double width = std::abs(lies ? area.height() : area.width());
  const double height = std::abs(lies ? area.width() : area.height());
  answer.dpi = fitting_dpi(width, height, request);
  if (!(answer.dpi > 0)) return refuse(Status::failed, "it has no area");
  answer.width = static_cast<int32_t>(pixels_along(width, answer.dpi));
  answer.height = static_cast<int32_t>(pixels_along(height, answer.dpi));

  poppler::page_renderer renderer;
  renderer.set_image_format(poppler::image::format_rgb24);
  renderer.set_render_hint(poppler::page_renderer::antialiasing);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
  const int band = std::max(1, static_cast<int>(band_pixels / answer.width));
  for (int top = 0; top < answer.height; top += band) {
    const int rows = std::min(band, answer.height - top);
    const poppler::image image = renderer.render_page(page.get(), answer.dpi, answer.dpi, 0, top, answer.width, rows);
    if (!image.is_valid() || image.width() != answer.width || image.height() != rows) {
      if (top == 0) return refuse(Status::failed, "it cannot be rendered");
      ::_exit(1);  // in the middle of an answer
    }
    const size_t row_bytes = static_cast<size_t>(answer.width) * 3;
    if (top == 0) {
      answer.status = Status::done;
      answer.bytes = row_bytes * static_cast<size_t>(answer.height);
      send(&answer, sizeof answer);
    }
    for (int y = 0; y < rows; ++y) {
      send(image.const_data() + static_cast<ptrdiff_t>(y) * image.bytes_per_row(), row_bytes);
    }
  }
}

int serve() {
  Document document;
  for (Request request; receive(&request, sizeof request);) {
    if (request.magic != magic || request.password_bytes > max_password) return 2;
    std::string password(request.password_bytes, '\0');
    if (!receive(password.data(), password.size())) break;
    allow_another_request();
    if (request.task == Task::open) {
      document = open(password);
    } else if (request.task == Task::render && document) {
      render(*document, request);
    } else {
      return 2;
    }
  }
  return 0;
}

}  // namespace
}  // namespace lectern::pdf

int main() {
  struct stat input {};
  if (::fstat(STDIN_FILENO, &input) != 0 || !S_ISSOCK(input.st_mode)) {
    std::fputs("lectern-pdf renders PDF pages for lectern, which starts it; try: lectern read FILE.pdf\n", stderr);
    return 2;
  }
  lectern::pdf::confine();
  lectern::pdf::end_with_parent();
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  // Not returned from: the watching thread still runs.
  ::_exit(lectern::pdf::serve());
}
