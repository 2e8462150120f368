// lectern-pdf renders the pages of one PDF for lectern, and lays text over those of several, in a process of its own: a
// hostile or broken file ends this helper and not the reader. It has little memory, is confined to reading its file,
// fonts and libraries (pdf_helper/confinement.h), and ends with its parent.
//
// This program links poppler and is therefore under the GPL, version 2 or later, as a whole; it shares no address
// space with lectern, which links no part of poppler and stays under its own licence. Any program that talks as
// pdf_helper/protocol.h says may stand in for it (LECTERN_PDF).
#include <poll.h>
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/io.h"
#include "pdf_helper/assembly/assembly.h"
#include "pdf_helper/assembly/hidden_text.h"
#include "pdf_helper/breakout.h"
#include "pdf_helper/confinement.h"
#include "pdf_helper/document_facts.h"
#include "pdf_helper/missing_glyphs.h"
#include "pdf_helper/passwords.h"
#include "pdf_helper/protocol.h"
#include "pdf_helper/reports.h"
#include "pdf_helper/short_pictures.h"

namespace lectern::pdf {
namespace {

constexpr double band_pixels = 32e6;
constexpr rlim_t seconds_of_a_request = 300;  // of processor time, should the parent not end it earlier

constexpr int channel = STDIN_FILENO;

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
    const ssize_t got = read_some(channel, at, bytes);
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

void send(const void* from, size_t bytes) {
  if (!write_all(channel, std::string_view(static_cast<const char*>(from), bytes))) ::_exit(0);
}

// The file in memory: it is not opened anew, which the confinement may not allow.
std::string_view map_file() {
  struct stat status {};
  if (::fstat(file_descriptor, &status) != 0 || status.st_size <= 0) return {};
  const auto size = static_cast<size_t>(status.st_size);
  void* const bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_descriptor, 0);
  return bytes == MAP_FAILED ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

using Document = std::unique_ptr<poppler::document>;

class Server {
 public:
  Server(Reports& reports, uint32_t confinement) : reports_(reports), confinement_(confinement), file_(map_file()) {}

  // -> exit code, when the parent is gone or talks nonsense.
  int serve();

 private:
  void refuse(Status status, std::string_view message = {});
  void send_notes(std::vector<std::string> more = {});
  void open(const std::string& typed);
  void render(const Request& request);
  TextFinder& finder();
  bool receive_plan(const Request& request, AssemblyPlan& plan);
  bool assemble(const Request& request, std::string password);

  Reports& reports_;
  uint32_t confinement_;
  std::string_view file_;
  Document document_;
  std::string password_;  // that opened it
  DocumentFacts facts_;
  std::unique_ptr<TextFinder> finder_;  // made when they are needed
  std::unique_ptr<PictureChecker> checker_;
};

void Server::refuse(Status status, std::string_view message) {
  Answer answer;
  answer.status = status;
  message = message.substr(0, max_message);
  answer.bytes = message.size();
  send(&answer, sizeof answer);
  send(message.data(), message.size());
  if (status == Status::failed) send_notes();
}

void Server::send_notes(std::vector<std::string> lines) {
  std::string text;
  for (const std::string& line : reports_.take()) lines.push_back(reported + line);
  for (const std::string& line : lines) {
    if (text.size() + line.size() < max_notes) text += line + "\n";
  }
  Notes notes;
  notes.bytes = static_cast<uint32_t>(text.size());
  send(&notes, sizeof notes);
  send(text.data(), text.size());
}

void Server::open(const std::string& typed) {
  const bool mapped = !file_.empty() && file_.size() <= INT_MAX;  // poppler counts bytes so
  document_.reset(!mapped ? poppler::document::load_from_file("/proc/self/fd/" + std::to_string(file_descriptor))
                          : poppler::document::load_from_raw_data(file_.data(), static_cast<int>(file_.size())));
  if (!document_) return refuse(Status::failed, "is not a PDF, or is damaged beyond repair");
  std::string password = typed;
  // unlock() says whether the document is still locked.
  if (document_->is_locked() && (password.empty() || document_->unlock(password, password))) {
    const std::optional<std::string> other = to_latin_1(password);
    if (password.empty() || !other || document_->unlock(*other, *other)) {
      document_.reset();
      if (has_unknown_encryption(file_.data(), file_.size())) {
        return refuse(Status::failed,
                      "is encrypted in a way that no password opens, as for the holders of "
                      "certificates; print it to a PDF with a program that opens it");
      }
      return refuse(password.empty() ? Status::locked : Status::wrong_password);
    }
    password = *other;
  }
  password_ = password;
  finder_.reset();
  checker_.reset();
  const int pages = document_->pages();
  facts_ = !mapped ? DocumentFacts() : facts_of(file_.data(), file_.size(), password);
  if (pages < 1 || pages > max_pages) {
    document_.reset();
    const bool empty = facts_.known && !facts_.damaged && facts_.units.empty();
    return refuse(Status::failed, pages > 0 ? "claims to have " + std::to_string(pages) + " pages"
                                  : empty   ? "has no pages"
                                            : "is damaged: none of its pages can be found");
  }
  if (facts_.units.size() != static_cast<size_t>(pages)) facts_.units.clear();  // of which page, nobody knows
  Answer answer;
  answer.status = Status::done;
  answer.pages = pages;
  if (!facts_.known) answer.traits |= unreadable_by_qpdf;
  if (facts_.encrypted) answer.traits |= encrypted;
  if (facts_.is_signed) answer.traits |= has_signatures;
  answer.confinement = confinement_;
  send(&answer, sizeof answer);
  std::vector<std::string> notes;
  if (facts_.files > 0) {
    notes.push_back(left_out + ("holds " + std::to_string(facts_.files)) + (facts_.files == 1 ? " file" : " files") +
                    " besides its pages, not read");
  }
  if (facts_.made_by_form) {
    notes.push_back(left_out + std::string("holds a form (XFA) of which its real pages are made; these are not read, "
                                           "print it to a PDF with a program that shows them"));
  }
  send_notes(notes);
}

int turn_of(const poppler::page& page) {
  switch (page.orientation()) {
    case poppler::page::landscape: return 90;
    case poppler::page::upside_down: return 180;
    case poppler::page::seascape: return 270;
    default: return 0;
  }
}

// Whether any text stands on the page, seen or not.
bool has_text(const poppler::page& page) {
  for (const poppler::text_box& word : page.text_list()) {
    for (const auto c : word.text()) {
      if (c > ' ' && c != 0xA0) return true;
    }
  }
  return false;
}

TextFinder& Server::finder() {
  if (!finder_) finder_ = std::make_unique<TextFinder>(file_, password_);
  return *finder_;
}

void Server::render(const Request& request) {
  if (request.page < 0 || request.page >= document_->pages()) return refuse(Status::failed, "there is no such page");
  const std::unique_ptr<poppler::page> page(document_->create_page(request.page));
  if (!page) return refuse(Status::failed, "its object in the PDF is missing or damaged");

  Answer answer;
  answer.turn = turn_of(*page);
  if (request.find_text == 1) answer.has_text = has_text(*page) ? 1 : 0;
  if (request.find_text == 2 && has_text(*page)) {
    const FoundText found = finder().text_of(request.page);
    answer.has_text = found.seen && !found.hidden ? 1 : 0;
  }
  const poppler::rectf area = page->page_rect(poppler::crop_box);  // as stored
  const bool lies = answer.turn == 90 || answer.turn == 270;
  const bool known = !facts_.units.empty();
  const auto index = static_cast<size_t>(request.page);
  const double unit = known ? facts_.units[index] : 1;
  const double width = std::abs(lies ? area.height() : area.width()) * unit;
  const double height = std::abs(lies ? area.width() : area.height()) * unit;
  answer.dpi = fitting_dpi(width, height, request);
  if (!is_possible(width, height, answer.dpi)) {
    std::array<char, 80> message{};
    std::snprintf(message.data(), message.size(), "its size of %g x %g points is impossible", width, height);
    return refuse(Status::failed, message.data());
  }
  answer.width = static_cast<int32_t>(pixels_along(width, answer.dpi));
  answer.height = static_cast<int32_t>(pixels_along(height, answer.dpi));

  poppler::page_renderer renderer;
  renderer.set_image_format(poppler::image::format_rgb24);
  renderer.set_render_hint(poppler::page_renderer::antialiasing);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
  const int band = std::max(1, static_cast<int>(band_pixels / answer.width));
  for (int top = 0; top < answer.height; top += band) {
    const int rows = std::min(band, answer.height - top);
    const poppler::image image =
        renderer.render_page(page.get(), answer.dpi * unit, answer.dpi * unit, 0, top, answer.width, rows);
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
  std::vector<std::string> notes;
  if (known && facts_.lost_contents[index]) {
    notes.push_back(reported + std::string("what the page shows is not in the file"));
  }
  for (const std::string& line : missing_glyphs(*document_, *page, request.page)) {
    const bool is_seen = finder().text_of(request.page).seen;
    if (is_seen) notes.push_back(reported + line);
  }
  if (facts_.known && !checker_) checker_ = std::make_unique<PictureChecker>(file_, password_);
  if (checker_ && checker_->has_short_picture(request.page)) {
    notes.push_back(reported + std::string("a picture has less data than its size needs"));
  }
  send_notes(notes);
}

// Parts and pages as they follow the request. false: the parent is gone or talks nonsense.
bool Server::receive_plan(const Request& request, AssemblyPlan& plan) {
  if (request.parts < 1 || request.parts > max_parts || request.planned > max_pages) return false;
  for (uint32_t i = 0; i <= request.parts; ++i) {
    Part part;
    if (!receive(&part, sizeof part) || part.title_bytes > max_title) return false;
    std::string title(part.title_bytes, '\0');
    if (!receive(title.data(), title.size())) return false;
    const AssemblyPlan::Place place{part.offset, part.bytes};
    if (i < request.parts) {
      plan.inputs.push_back({place, std::move(title)});
    } else {
      plan.layers = place;
    }
  }
  plan.pages.resize(request.planned);
  return receive(plan.pages.data(), plan.pages.size() * sizeof(PlannedPage));
}

// false: the parent is gone or talks nonsense.
bool Server::assemble(const Request& request, std::string password) {
  AssemblyPlan plan;
  if (!receive_plan(request, plan)) return false;
  plan.password = std::move(password);
  std::string pending, failure;
  std::vector<std::string> lost;
  const auto flush = [&] {
    if (pending.empty()) return;
    const Piece piece{magic, static_cast<uint32_t>(pending.size())};
    send(&piece, sizeof piece);
    send(pending.data(), pending.size());
    pending.clear();
  };
  try {
    lost = pdf::assemble(plan, file_, [&](std::string_view bytes) {
      for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), size_t{max_piece}))) {
        if (pending.size() + bytes.size() > max_piece) flush();
        pending += bytes.substr(0, max_piece);
      }
    });
    flush();
  } catch (const std::exception& error) {
    failure = error.what();
    if (failure.empty()) failure = "it cannot be assembled";
  }
  const Piece end;
  send(&end, sizeof end);
  if (!failure.empty()) {
    refuse(Status::failed, failure);
    return true;
  }
  Answer answer;
  answer.status = Status::done;
  send(&answer, sizeof answer);
  for (std::string& line : lost) line.insert(0, 1, left_out);
  send_notes(std::move(lost));
  return true;
}

int Server::serve() {
  for (Request request; receive(&request, sizeof request);) {
    if (request.magic != magic || request.password_bytes > max_password) return 2;
    std::string password(request.password_bytes, '\0');
    if (!receive(password.data(), password.size())) break;
    allow_another_request();
    if (request.task == Task::open) {
      open(password);
    } else if (request.task == Task::render && document_) {
      render(request);
    } else if (request.task == Task::assemble) {
      if (!assemble(request, std::move(password))) return 2;
    } else {
      return 2;
    }
  }
  return 0;
}

}  // namespace
}  // namespace lectern::pdf

int main(int count, char** arguments) {
  using namespace lectern::pdf;
  if (count == 3 && std::string_view(arguments[1]) == "--confinement") return try_to_break_out(arguments[2]);
  struct stat input {};
  if (::fstat(STDIN_FILENO, &input) != 0 || !S_ISSOCK(input.st_mode)) {
    std::fputs("lectern-pdf renders PDF pages for lectern, which starts it; try: lectern read FILE.pdf\n", stderr);
    return 2;
  }
  static_cast<void>(::close_range(file_descriptor + 1, ~0u, 0));
  Reports reports;
  const uint32_t confinement = confine(file_descriptor);
  end_with_parent();
  refuse_more_threads();
  // Not returned from: the watching thread still runs.
  ::_exit(Server(reports, confinement).serve());
}
