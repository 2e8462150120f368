#include "lines/read_lines.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace lectern {
namespace {

constexpr std::string_view white = " \t\r";
// In heights of a line: a narrower block is no running text; white at the end of a line that is full.
constexpr double min_prose = 14, max_room = 5;
constexpr double max_room_share = 0.2;  // of the block's width

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!(text = trimmed(text)).empty()) {
    const size_t end = std::min(text.find_first_of(white), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

// Characters, not bytes, of UTF-8.
size_t length_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// From the straightened page back to the page as displayed.
class Turn {
 public:
  explicit Turn(const TextPage& page)
      : x_(page.picture.width / 2.0),
        y_(page.picture.height / 2.0),
        cos_(std::cos(page.angle * std::numbers::pi / 180)),
        sin_(std::sin(page.angle * std::numbers::pi / 180)),
        width_(page.picture.width),
        height_(page.picture.height) {}

  // The box keeps its size and moves with its middle.
  Box back(const PixelBox& box) const {
    const double dx = (box.left + box.right) / 2.0 - x_, dy = (box.top + box.bottom) / 2.0 - y_;
    const double x = x_ + dx * cos_ + dy * sin_, y = y_ - dx * sin_ + dy * cos_;
    return {std::clamp(x - box.width() / 2.0, 0.0, width_), std::clamp(y - box.height() / 2.0, 0.0, height_),
            std::clamp(x + box.width() / 2.0, 0.0, width_), std::clamp(y + box.height() / 2.0, 0.0, height_)};
  }

 private:
  double x_, y_, cos_, sin_, width_, height_;
};

// Words of a piece in their boxes: those measured where there are as many, else by their number of letters.
void place_words(const TextLine& line, const TextPiece& piece, const std::vector<std::string>& texts, const Turn& turn,
                 bool joins, PageLine& out) {
  size_t letters = 0, before = 0;
  for (const std::string& text : texts) letters += length_of(text) + 1;
  for (size_t i = 0; i < texts.size(); ++i) {
    PixelBox box = piece.box;
    if (texts.size() == piece.words && piece.words > 1) {
      box = line.words[piece.first_word + i];
    } else if (texts.size() > 1) {
      const double step = static_cast<double>(piece.box.width()) / static_cast<double>(letters - 1);
      box.left = piece.box.left + static_cast<int>(step * static_cast<double>(before));
      box.right = box.left + std::max(1, static_cast<int>(step * static_cast<double>(length_of(texts[i]))));
    }
    before += length_of(texts[i]) + 1;
    const Box placed = turn.back(box);
    if (joins && i == 0 && !out.words.empty()) {
      PageWord& word = out.words.back();
      word.text += texts[i];
      word.box.right = placed.right;
      word.box.top = std::min(word.box.top, placed.top);
      word.box.bottom = std::max(word.box.bottom, placed.bottom);
    } else {
      out.words.push_back({placed, texts[i]});
    }
  }
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (static_cast<uint8_t>(c) & 0x80) != 0;
}

// Whether the hyphen at the end of a line only parts a word.
bool parts_word(const std::string& line, const std::string& next) {
  return line.size() > 2 && line.back() == '-' && is_letter(line[line.size() - 2]) && !next.empty() && next[0] >= 'a' &&
         next[0] <= 'z';
}

// Whether a line was broken because it was full, as in running text, and not as on a label or in an address.
bool runs_on(const TextBlock& block, const TextLine& line) {
  const int width = block.box.width();
  const double room = std::max(max_room * line.height, max_room_share * width);
  return width >= min_prose * line.height && line.box.right >= block.box.right - room;
}

std::string joined(const TextBlock& block, const std::vector<PageLine>& lines) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!text.empty() && !lines[i].text.empty()) {
      if (parts_word(text, lines[i].text)) {
        text.pop_back();
      } else {
        text += block.kind == BlockKind::title || runs_on(block, block.lines[i - 1]) ? ' ' : '\n';
      }
    }
    text += lines[i].text;
  }
  return text;
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
}

std::string table_of(const TextBlock& block, const std::vector<PageLine>& lines) {
  int columns = 0;
  for (const TextBlock::Cell& cell : block.cells) columns = std::max(columns, cell.column + 1);
  std::string text = "<table>";
  for (size_t i = 0; i < lines.size();) {
    const int row = block.cells[i].row;
    text += "<tr>";
    for (int column = 0; column < columns; ++column) {
      text += "<td>";
      for (bool first = true; i < lines.size() && block.cells[i].row == row && block.cells[i].column == column; ++i) {
        if (!first) text += ' ';
        append_escaped(lines[i].text, text);
        first = false;
      }
      text += "</td>";
    }
    text += "</tr>";
  }
  return text + "</table>";
}

PageLine read_line(const TextLine& line, std::span<const TextPiece> pieces, std::span<const std::string> texts,
                   const Turn& turn) {
  PageLine read;
  read.box = turn.back(line.box);
  bool joins = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    place_words(line, pieces[i], words_in(texts[i]), turn, joins, read);
    joins = pieces[i].continues;
  }
  for (const PageWord& word : read.words) {
    if (!read.text.empty()) read.text += ' ';
    read.text += word.text;
  }
  return read;
}

}  // namespace

std::optional<std::vector<std::string>> split_rows(std::string_view text, size_t rows) {
  std::vector<std::string> lines;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() != rows) return std::nullopt;
  return lines;
}

std::vector<Block> read_blocks(const TextPage& page, const std::vector<TextPiece>& pieces,
                               const std::vector<std::string>& texts) {
  const Turn turn(page);
  std::vector<Block> blocks;
  size_t next = 0;
  for (size_t b = 0; b < page.blocks.size(); ++b) {
    const TextBlock& found = page.blocks[b];
    Block block;
    block.label = found.kind == BlockKind::title ? "title" : found.kind == BlockKind::table ? "table" : "text";
    block.boxes.push_back(turn.back(found.box));
    for (size_t l = 0; l < found.lines.size(); ++l) {
      const size_t first = next;
      while (next < pieces.size() && pieces[next].block == b && pieces[next].line == l) ++next;
      block.lines.push_back(read_line(found.lines[l], std::span(pieces).subspan(first, next - first),
                                      std::span(texts).subspan(first, next - first), turn));
    }
    block.text = found.kind == BlockKind::table ? table_of(found, block.lines) : joined(found, block.lines);
    if (block.text.empty()) continue;
    if (found.kind == BlockKind::title) block.text.insert(0, "# ");  // as the published model writes titles
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace lectern
