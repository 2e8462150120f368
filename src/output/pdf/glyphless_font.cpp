#include "output/pdf/glyphless_font.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace lectern {
namespace {

// Numbers in the byte order of TrueType.
class Bytes {
 public:
  Bytes& u16(int value) { return add(static_cast<uint32_t>(value), 2); }
  Bytes& u32(uint32_t value) { return add(value, 4); }
  Bytes& zeros(size_t count) {
    text_.append(count, '\0');
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  Bytes& add(uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text_ += static_cast<char>(value >> shift);
    return *this;
  }
  std::string text_;
};

uint32_t checksum(std::string_view table) {
  uint32_t sum = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    sum += static_cast<uint32_t>(static_cast<uint8_t>(table[i])) << (24 - 8 * (i % 4));
  }
  return sum;
}

constexpr uint32_t version_1 = 0x00010000;

std::string head_table(uint32_t adjustment) {
  return Bytes()
      .u32(version_1)
      .u32(version_1)
      .u32(adjustment)
      .u32(0x5F0F3CF5)  // magic number
      .u16(0)           // flags
      .u16(1000)        // units in the font's height
      .zeros(16)        // made and changed
      .u16(0)
      .u16(glyphless_descent)
      .u16(glyphless_width)
      .u16(glyphless_ascent)
      .u16(0)  // style
      .u16(8)  // smallest readable size
      .u16(2)  // direction
      .u16(0)  // short offsets in loca
      .u16(0)
      .text();
}

std::string file_of(const std::array<std::pair<std::string_view, std::string>, 6>& tables) {
  Bytes directory;
  directory.u32(version_1).u16(static_cast<int>(tables.size())).u16(64).u16(2).u16(32);
  std::string names, content;
  uint32_t offset = static_cast<uint32_t>(12 + 16 * tables.size());
  std::string out = directory.text();
  for (const auto& [name, table] : tables) {
    out += name;
    out += Bytes().u32(checksum(table)).u32(offset).u32(static_cast<uint32_t>(table.size())).text();
    content += table;
    content.resize((content.size() + 3) / 4 * 4);
    offset = static_cast<uint32_t>(12 + 16 * tables.size() + content.size());
  }
  return out + content;
}

}  // namespace

std::string glyphless_font() {
  const std::string horizontal_head = Bytes()
                                          .u32(version_1)
                                          .u16(glyphless_ascent)
                                          .u16(glyphless_descent)
                                          .u16(0)                // line gap
                                          .u16(glyphless_width)  // widest
                                          .zeros(6)
                                          .u16(1)  // caret upright
                                          .zeros(14)
                                          .u16(1)  // widths
                                          .text();
  const std::string limits = Bytes().u32(version_1).u16(1).zeros(8).u16(2).zeros(16).text();
  // The glyph is empty: both of its offsets are 0. Its table has some bytes, since not every reader takes an empty one.
  const auto font = [&](uint32_t adjustment) {
    return file_of({{{"glyf", std::string(4, '\0')},
                     {"head", head_table(adjustment)},
                     {"hhea", horizontal_head},
                     {"hmtx", Bytes().u16(glyphless_width).u16(0).text()},
                     {"loca", std::string(4, '\0')},
                     {"maxp", limits}}});
  };
  return font(0xB1B0AFBA - checksum(font(0)));
}

}  // namespace lectern
