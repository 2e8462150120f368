#include "layout/raw_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/text.h"
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

// In the order of the two bytes of each unit; a surrogate that stands alone becomes U+FFFD.
std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]), second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string text;
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      if (const char32_t low = unit(at + 2); low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    text += utf8_of(c);
  }
  return text;
}

// UTF-16 without a byte order mark: every other byte of its ASCII characters is zero.
bool looks_like_utf16(std::string_view bytes, bool big_endian) {
  const std::string_view start = bytes.substr(0, 1024);
  if (start.size() < 4 || bytes.size() % 2 != 0) return false;
  std::array<size_t, 2> zeros{};
  for (size_t i = 0; i < start.size(); ++i) zeros[i % 2] += start[i] == '\0' ? 1 : 0;
  const size_t high = zeros[big_endian ? 0 : 1], low = zeros[big_endian ? 1 : 0];
  return low == 0 && high > start.size() / 4;
}

}  // namespace

std::string raw_text(std::string bytes, std::string_view name) {
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
  std::string text = std::move(bytes);
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  } else if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    text = from_utf16(std::string_view(text).substr(2), text[0] == '\xFE');
  } else if (looks_like_utf16(text, false) || looks_like_utf16(text, true)) {
    text = from_utf16(text, looks_like_utf16(text, true));
  }
  const std::string_view start = trimmed(std::string_view(text).substr(0, 4096));
  if (start.starts_with('{') && start.find("\"lectern-document/") != std::string_view::npos) {
    throw Error(prefix + "is JSON that Lectern wrote; " + std::string(expected) + " (its pages hold it as \"raw\")",
                ErrorCode::corrupt_input);
  }
  return text;
}

}  // namespace lectern
