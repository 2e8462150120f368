// The talk between lectern and lectern-pdf, its helper for the PDFs of others: fixed headers, each followed by as many
// bytes as it says. One helper serves one file, which it has as descriptor 3; requests and answers go over a socket on
// its standard input. Both ends are programs of one build on one machine, so that headers travel as they lie in memory;
// each end checks what it receives as if the other were hostile.
//
//     open(password)  -> done(pages) | locked | wrong_password | failed(message)
//     render(page)    -> done(width, height, ..., RGB rows) | failed(message)
//     assemble(password, Parts, PlannedPages)  -> Pieces of a new PDF, one of no bytes, then done | failed(message)
//
// A helper that assembles has a file in which the parts lie one after the other, and opens nothing.
// Behind every done and failed come Notes: what was reported on the way, or is in the file beside its pages.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace lectern::pdf {

inline constexpr uint32_t magic = 0x3350444c;                       // "LDP3"; the digit counts changes of what follows
inline constexpr int file_descriptor = 3;                           // the PDF, in the helper
inline constexpr uint32_t max_password = 1024, max_message = 1024;  // bytes
inline constexpr uint32_t max_notes = 64 << 10;                     // bytes
inline constexpr int32_t max_pages = 10'000'000;
inline constexpr uint32_t max_parts = 1'000'000, max_title = 4096;  // of an assembly; bytes
inline constexpr uint32_t max_piece = 256 << 10;                    // bytes

// What the kernel keeps the helper from; one that has all of them can read its file, fonts and libraries, and no more.
enum Confinement : uint32_t {
  no_new_privileges = 1,
  no_capabilities = 2,
  own_namespaces = 4,     // user, network and System V IPC
  few_files = 8,          // Landlock: reads of other files, any change of files
  few_system_calls = 16,  // seccomp: no truncation, no opening for writing, no socket, no fork, no exec
  fully_confined = 31,
};

enum class Task : uint32_t { open = 1, render = 2, assemble = 3 };

struct Request {
  uint32_t magic = pdf::magic;
  Task task = Task::open;
  uint32_t password_bytes = 0;  // these follow; of open and assemble
  int32_t page = 0;             // from 0; the next four are for render only
  double dpi = 0;               // wished for; less where the page would not fit
  int64_t max_pixels = 0;
  int64_t max_side = 0;
  uint32_t find_text = 0;  // 1: say whether the page has text; 2: whether it has text, and all of it is seen
  uint32_t parts = 0;      // of assemble; one more follows, that of the layers
  uint32_t planned = 0;    // pages, which follow the parts
  uint32_t unused = 0;
};
static_assert(std::is_trivially_copyable_v<Request> && sizeof(Request) == 56);

// A PDF in the helper's file, followed by its title.
struct Part {
  uint64_t offset = 0;
  uint64_t bytes = 0;        // 0: all of its pages are those of the layers
  uint32_t title_bytes = 0;  // of its bookmark, where there are several parts
  uint32_t unused = 0;
};
static_assert(std::is_trivially_copyable_v<Part> && sizeof(Part) == 24);

enum class LayerUse : uint32_t {
  over = 1,     // laid over the page
  instead = 2,  // what the page shows gives way to it
  anew = 3,     // laid over the page, from which text that is not seen was taken; also where there is no layer
};

// A page of the new PDF.
struct PlannedPage {
  int32_t part = 0;
  int32_t page = -1;   // of the part, from 0; -1: the page is that of the layers
  int32_t layer = -1;  // page of the layers, upright, that is laid over it; -1: none, the page stays as it is
  int32_t turn = 0;    // degrees clockwise by which the page is turned when it is shown, where it has a layer
  LayerUse use = LayerUse::over;
};
static_assert(std::is_trivially_copyable_v<PlannedPage> && sizeof(PlannedPage) == 20);

enum class Status : uint32_t { done = 1, locked = 2, wrong_password = 3, failed = 4 };

struct Answer {
  uint32_t magic = pdf::magic;
  Status status = Status::failed;
  uint64_t bytes = 0;  // that follow: of the message after failed, of the pixels after render
  int32_t pages = 0;   // after open; the rest is for render only
  int32_t width = 0;   // as displayed
  int32_t height = 0;
  int32_t turn = 0;          // /Rotate, already applied: 0, 90, 180 or 270
  double dpi = 0;            // as rendered
  uint32_t confinement = 0;  // after open: Confinement
  uint32_t traits = 0;       // after open: Trait
  uint32_t has_text = 0;     // after render, where it was asked for: 1 for such text
  uint32_t unused = 0;
};
static_assert(std::is_trivially_copyable_v<Answer> && sizeof(Answer) == 56);

// Of a document.
enum Trait : uint32_t {
  unreadable_by_qpdf = 1,  // its pages can be rendered, but not taken over
  encrypted = 2,
  has_signatures = 4,
};

// Followed by `bytes` of the new PDF.
struct Piece {
  uint32_t magic = pdf::magic;
  uint32_t bytes = 0;
};
static_assert(std::is_trivially_copyable_v<Piece> && sizeof(Piece) == 8);

// Followed by `bytes` of text: lines without control characters that begin with their kind.
struct Notes {
  uint32_t magic = pdf::magic;
  uint32_t bytes = 0;
};
static_assert(std::is_trivially_copyable_v<Notes> && sizeof(Notes) == 8);
inline constexpr char reported = 'r';  // by poppler: something is damaged or missing, and may not be seen
inline constexpr char left_out = 'l';  // the file holds more than its pages, or the new PDF less than the pages

// A page that poppler gives a size of more points is damaged: this is 35 km. (A real one has 14,400 units a side.)
inline constexpr double max_points = 1e8;

// Pixels along a side of `points` (1/72 inch).
inline double pixels_along(double points, double dpi) { return std::max(1.0, std::round(points * dpi / 72)); }

// The resolution at which a page of this many points keeps within the limits: `dpi`, or less. 0: there is none.
inline double fitting_dpi(double width, double height, const Request& wish) {
  const auto max_pixels = static_cast<double>(wish.max_pixels), max_side = static_cast<double>(wish.max_side);
  if (!(width > 0 && height > 0 && wish.dpi > 0 && max_pixels >= 1 && max_side >= 1)) return 0;
  const double longest = std::max(width, height);  // the other side may be a single pixel
  double dpi =
      std::min({wish.dpi, 72 * std::min(max_side, max_pixels) / longest, 72 * std::sqrt(max_pixels / width / height)});
  for (int attempt = 0; attempt < 64; ++attempt, dpi *= 0.99) {  // the sides are rounded
    const double across = pixels_along(width, dpi), down = pixels_along(height, dpi);
    if (across <= max_side && down <= max_side && across * down <= max_pixels) return dpi;
  }
  return 0;
}

// Whether a page of this many points, rendered at `dpi`, is a page: neither side is beyond all measure or below a
// pixel.
inline bool is_possible(double width, double height, double dpi) {
  return dpi > 0 && width <= max_points && height <= max_points && std::min(width, height) * dpi / 72 >= 0.5;
}

}  // namespace lectern::pdf
