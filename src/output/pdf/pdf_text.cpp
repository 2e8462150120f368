#include "output/pdf/pdf_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "layout/markup.h"
#include "layout/word_boxes.h"
#include "output/pdf/glyphless_font.h"

namespace lectern {
namespace {

constexpr double assumed_dpi = 200;
constexpr double max_page_points = 14'400;  // points
constexpr unsigned last_code = 0xFFFF;
constexpr size_t max_entries = 100;  // of one bfchar list

std::string utf16_hex(char32_t character) {
  const auto c = static_cast<uint32_t>(character);
  if (c < 0x10000) return fmt::format("{:04X}", c);
  return fmt::format("{:04X}{:04X}", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
}

// Letters reach from one side of the line to the other.
void append_line(const PlacedLine& line, double scale, double page_height, CharacterCodes& codes, std::string& out) {
  const auto x = [&](double pixels) { return pixels * scale; };
  const auto y = [&](double pixels) { return page_height - pixels * scale; };
  const double size = (line.upward ? line.box.right - line.box.left : line.box.bottom - line.box.top) * scale;
  const double below = -size * glyphless_descent / 1000;
  out += fmt::format("/Hidden {:.2f} Tf\n", size);
  for (size_t i = 0; i < line.words.size(); ++i) {
    const PlacedWord& word = line.words[i];
    // The space towards the next word stands on the side where that word does.
    const bool reversed = !word.visual.empty(), space = i + 1 < line.words.size();
    const std::string hex = codes.encode(reversed ? word.visual : word.text);
    const size_t characters = hex.size() / 4;
    const double natural = static_cast<double>(characters) * size * glyphless_width / 1000;
    const double length = line.upward ? word.box.bottom - word.box.top : word.box.right - word.box.left;
    const double before = reversed && space ? length / static_cast<double>(characters) : 0;
    const std::string place =
        line.upward ? fmt::format("0 1 -1 0 {:.2f} {:.2f}", x(line.box.right) - below, y(word.box.bottom + before))
                    : fmt::format("1 0 0 1 {:.2f} {:.2f}", x(word.box.left - before), y(line.box.bottom) + below);
    out += fmt::format("{:.2f} Tz {} Tm <{}{}{}> Tj\n", 100 * length * scale / std::max(natural, 1e-3), place,
                       reversed && space ? codes.encode(" ") : "", hex, !reversed && space ? codes.encode(" ") : "");
  }
}

}  // namespace

std::string CharacterCodes::encode(std::string_view text) {
  std::string out;
  for (const char32_t c : characters_of(text)) {
    const bool full = codes_.size() + 2 >= last_code;
    const auto [entry, added] = codes_.try_emplace(full && !codes_.contains(c) ? U'\uFFFD' : c, 0);
    if (added) entry->second = static_cast<unsigned>(codes_.size());
    out += fmt::format("{:04X}", entry->second);
  }
  return out;
}

std::string CharacterCodes::to_unicode() const {
  std::string out =
      "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
      "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
      "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
      "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n";
  size_t left = codes_.size(), in_list = 0;
  for (const auto& [character, code] : codes_) {
    if (in_list == 0) out += fmt::format("{} beginbfchar\n", std::min(left, max_entries));
    out += fmt::format("<{:04X}> <{}>\n", code, utf16_hex(character));
    --left;
    in_list = in_list + 1 == max_entries || left == 0 ? 0 : in_list + 1;
    if (in_list == 0) out += "endbfchar\n";
  }
  return out + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
}

double points_per_pixel(const Page& page) {
  const double points = 72 / (page.dpi > 0 ? page.dpi : assumed_dpi);
  return std::min(points, max_page_points / std::max({page.width, page.height, 1}));
}

std::string page_content(const Page& page, const Picture* picture, const std::optional<PicturePlace>& shown,
                         CharacterCodes& codes) {
  const double scale = points_per_pixel(page);
  const double width = page.width * scale, height = page.height * scale;
  std::string out;
  std::optional<PageInk> ink;
  if (picture != nullptr) ink.emplace(*picture);
  if (shown) {
    const auto& [a, b, c, d, e, f] = *shown;
    out += fmt::format("q {:.2f} {:.2f} {:.2f} {:.2f} {:.2f} {:.2f} cm /Page Do Q\n", width * a, height * b, width * c,
                       height * d, width * e, height * f);
  }
  out += "BT 3 Tr\n";
  const Box whole{0, 0, static_cast<double>(page.width), static_cast<double>(page.height)};
  for (const Block& block : page.blocks) {
    for (const PlacedText& text : place_words(block, whole, ink ? &*ink : nullptr)) {
      for (const PlacedLine& line : text.lines) {
        append_line(line, scale, height, codes, out);
      }
    }
  }
  return out + "ET\n";
}

std::string note_content(std::string_view note, double page_height) {
  constexpr size_t line_length = 70;
  std::string out = fmt::format("BT /Shown 12 Tf 14 TL 40 {:.2f} Td\n", page_height - 60);
  while (!note.empty()) {
    size_t length = std::min(note.size(), line_length);
    if (length < note.size()) {
      const size_t space = note.substr(0, length + 1).rfind(' ');
      if (space != std::string_view::npos && space > 0) length = space;
    }
    out += '(';
    for (const char c : note.substr(0, length)) {
      if (c == '(' || c == ')' || c == '\\') out += '\\';
      out += c >= 0x20 && c < 0x7F ? c : '?';
    }
    out += ") Tj T*\n";
    note.remove_prefix(length);
    if (note.starts_with(' ')) note.remove_prefix(1);
  }
  return out + "ET\n";
}

}  // namespace lectern
