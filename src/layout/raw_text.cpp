#include "layout/raw_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/text.h"
#include "core/utf8.h"
#include "layout/markup.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view start, kind;
};
constexpr auto signatures = std::to_array<Signature>({{"\x89PNG"sv, "a picture"},
                                                      {"\xFF\xD8\xFF"sv, "a picture"},
                                                      {"GIF87a"sv, "a picture"},
                                                      {"GIF89a"sv, "a picture"},
                                                      {"II*\0"sv, "a picture"},
                                                      {"MM\0*"sv, "a picture"},
                                                      {"II+\0"sv, "a picture"},
                                                      {"MM\0+"sv, "a picture"},
                                                      {"\0\0\0\x0CjP  "sv, "a picture"},
                                                      {"BM"sv, "a picture"},
                                                      {"PK\x03\x04"sv, "an archive"},
                                                      {"\x1F\x8B"sv, "an archive"}});

// What the bytes are that are no text; empty for text.
std::string_view kind_of_bytes(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 1024);
  if (start.find("%PDF-") != std::string_view::npos && is_blank(start.substr(0, start.find("%PDF-")))) return "a PDF";
  if (start.starts_with("RIFF") && start.substr(8).starts_with("WEBP")) return "a picture";
  if (start.substr(std::min<size_t>(4, start.size())).starts_with("ftyp")) return "a picture";
  for (const Signature& signature : signatures) {
    // Two letters alone are no sign; texts have no zero bytes.
    const bool binary = signature.start != "BM"sv || start.find('\0') != std::string_view::npos;
    if (binary && start.starts_with(signature.start)) return signature.kind;
  }
  return {};
}

// Lines of a text that have something bad in them.
class BadLines {
 public:
  explicit BadLines(RawText& found) : found_(found) {}

  void add(size_t line) {
    if (line == last_) return;
    last_ = line;
    ++found_.bad_lines;
    if (found_.first_bad_line == 0) found_.first_bad_line = line;
  }

 private:
  RawText& found_;
  size_t last_ = 0;
};

// An encoding whose units have several bytes.
struct Units {
  size_t bytes = 0;  // 2 or 4; 0: it is another
  bool big_endian = false;
  size_t mark = 0;  // bytes of the byte order mark
};

Units units_by_mark(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE\0\0"sv)) return {4, false, 4};
  if (bytes.starts_with("\0\0\xFE\xFF"sv)) return {4, true, 4};
  if (bytes.starts_with("\xFF\xFE")) return {2, false, 2};
  if (bytes.starts_with("\xFE\xFF")) return {2, true, 2};
  return {};
}

// Without a byte order mark: of the units of ASCII characters all bytes but one are zero.
Units units_by_zeros(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 1024);
  for (const size_t width : {size_t{4}, size_t{2}}) {
    if (start.size() < 4 || bytes.size() % width != 0) continue;
    std::array<size_t, 4> zeros{};
    for (size_t i = 0; i < start.size(); ++i) zeros[i % width] += start[i] == '\0' ? 1 : 0;
    const size_t units = start.size() / width;
    const auto fits = [&](size_t low) {
      if (zeros[low] > 0) return false;
      for (size_t i = 0; i < width; ++i) {
        if (i != low && zeros[i] * 2 <= units) return false;
      }
      return true;
    };
    if (fits(0)) return {width, false, 0};
    if (fits(width - 1)) return {width, true, 0};
  }
  return {};
}

// What is no character, a surrogate that stands alone or a unit that is cut off, becomes U+FFFD.
RawText decoded(std::string_view bytes, const Units& units) {
  RawText found;
  BadLines bad(found);
  size_t line = 1;
  const auto unit = [&](size_t at) {
    char32_t value = 0;
    for (size_t i = 0; i < units.bytes; ++i) {
      const size_t place = units.big_endian ? i : units.bytes - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes[at + place]);
    }
    return value;
  };
  size_t at = 0;
  for (; at + units.bytes <= bytes.size(); at += units.bytes) {
    char32_t c = unit(at);
    if (units.bytes == 2 && c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      if (const char32_t low = unit(at + 2); low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    if ((c >= 0xD800 && c < 0xE000) || c > 0x10FFFF) bad.add(line);
    if (c == '\n') ++line;
    found.text += utf8_of(c);
  }
  if (at < bytes.size()) bad.add(line);
  return found;
}

// Calls `what` with the place of every piece that is no character.
template <typename What>
void for_each_bad_piece(std::string_view text, const What& what) {
  for (size_t at = 0; at < text.size();) {
    const auto [length, state] = first_utf8(text.substr(at));
    if (state != Utf8State::valid && !what(at)) return;
    at += length;
  }
}

RawText checked(std::string text) {
  RawText found;
  BadLines bad(found);
  size_t line = 1, counted = 0;
  for_each_bad_piece(text, [&](size_t at) {
    line += static_cast<size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                           text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted = at;
    bad.add(line);
    return true;
  });
  found.text = std::move(text);
  return found;
}

// Texts have no zero bytes, but for a stray one.
bool is_binary(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 4096);
  return static_cast<size_t>(std::ranges::count(start, '\0')) * 32 > start.size();
}

}  // namespace

RawText raw_text(std::string bytes, std::string_view name) {
  const std::string prefix = std::string(name == "-" ? "standard input" : name) + ": ";
  constexpr std::string_view expected = "expected the text that a model wrote, layout tags and all";
  if (bytes.empty()) throw Error(prefix + "is empty; " + std::string(expected), ErrorCode::corrupt_input);
  const std::string_view kind = kind_of_bytes(bytes);
  if (!kind.empty()) {
    const bool readable = kind != "an archive";
    throw Error(prefix + "is " + std::string(kind) + "; " + std::string(expected) +
                    (readable ? " (lectern read reads pictures and PDFs)" : ""),
                ErrorCode::corrupt_input);
  }
  Units units = units_by_mark(bytes);
  if (units.bytes == 0) units = units_by_zeros(bytes);
  if (units.bytes == 0 && is_binary(bytes)) {
    throw Error(prefix + "holds bytes that are no text; " + std::string(expected), ErrorCode::corrupt_input);
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  RawText found =
      units.bytes > 0 ? decoded(std::string_view(bytes).substr(units.mark), units) : checked(std::move(bytes));
  const std::string_view start = trimmed(std::string_view(found.text).substr(0, 4096));
  if (start.starts_with('{') && start.find("\"lectern-document/") != std::string_view::npos) {
    throw Error(prefix + "is JSON that Lectern wrote; " + std::string(expected) + " (its pages hold it as \"raw\")",
                ErrorCode::corrupt_input);
  }
  return found;
}

bool has_bad_utf8(std::string_view text) {
  bool bad = false;
  for_each_bad_piece(text, [&](size_t) {
    bad = true;
    return false;
  });
  return bad;
}

}  // namespace lectern
