#include "lines/read_lines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string_view>

#include "core/confidence.h"
#include "core/text.h"
#include "lines/bullets.h"
#include "lines/list_order.h"
#include "lines/word_places.h"

namespace lectern {
namespace {

// In heights of a line: minimum width of running text; maximum white at the end of a full line.
constexpr double min_prose = 14, max_room = 5;
constexpr double min_prose_of_names = 26;                      // if no line begins with a small letter
constexpr double max_room_share = 0.2;                         // of the block's width
constexpr double min_room_left = 2;                            // after a word that would have fitted
constexpr int min_centred_indent = 2;                          // of its shortest line
constexpr double min_typed_indent = 1.5, max_off_pitch = 0.1;  // of the width of a letter
constexpr double typed_space = 0.3;                            // of it, by which letters are off
constexpr int min_title_letters = 3;

RowText part_of(const RowText& row, size_t begin, size_t end) {
  RowText part = {row.text.substr(begin, end - begin)};
  if (row.scores.size() != row.text.size()) return part;
  part.scores.assign(row.scores.begin() + static_cast<ptrdiff_t>(begin),
                     row.scores.begin() + static_cast<ptrdiff_t>(end));
  return part;
}

std::optional<double> confidence_of(const RowText& word) {
  if (word.scores.empty()) return std::nullopt;
  return probability_of(word.scores);
}

std::vector<RowText> words_in(const RowText& row) {
  std::vector<RowText> words;
  for (size_t at = 0; at < row.text.size();) {
    size_t end = at;
    while (end < row.text.size() && !is_space(row.text[end])) ++end;
    if (end > at) words.push_back(part_of(row, at, end));
    at = end + 1;
  }
  return words;
}

// Number of characters, not bytes, of UTF-8.
size_t length_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// Words of a piece in their boxes.
void place_words(const TextLine& line, const TextPiece& piece, const std::vector<RowText>& words, const TextPage& page,
                 bool joins, PageLine& out) {
  std::vector<size_t> letters;
  letters.reserve(words.size());
  for (const RowText& word : words) letters.push_back(length_of(word.text));
  // A piece may be a part of one word.
  const std::span<const PixelBox> measured =
      piece.words > 1 ? std::span(line.words).subspan(piece.first_word, piece.words) : std::span(&piece.box, 1);
  const std::vector<PixelBox> places = word_places(measured, letters);
  for (size_t i = 0; i < words.size(); ++i) {
    const Box placed = on_page(page, places[i]);
    if (joins && i == 0 && !out.words.empty()) {
      PageWord& word = out.words.back();
      word.text += words[i].text;
      if (word.confidence) word.confidence = *word.confidence * confidence_of(words[i]).value_or(1);
      word.box.right = placed.right;
      word.box.top = std::min(word.box.top, placed.top);
      word.box.bottom = std::max(word.box.bottom, placed.bottom);
    } else {
      out.words.push_back({placed, words[i].text, confidence_of(words[i])});
    }
  }
}

bool may_part(char c) { return is_letter(c) || (static_cast<uint8_t>(c) & 0x80) != 0; }

// Whether the hyphen at the end of a line only divides a word.
bool parts_word(const std::string& line, const std::string& next) {
  return line.size() > 2 && line.back() == '-' && may_part(line[line.size() - 2]) && !next.empty() && next[0] >= 'a' &&
         next[0] <= 'z';
}

// Whether lines of different lengths are centred, as on a title page or the head of a receipt.
bool is_centred(const TextBlock& block) {
  int indent = 0;
  for (const TextLine& line : block.lines) {
    const int left = line.box.left - block.box.left, right = block.box.right - line.box.right;
    if (std::abs(left - right) > line.height) return false;
    indent = std::max(indent, left / std::max(1, line.height));
  }
  return block.lines.size() > 1 && indent >= min_centred_indent;
}

// Whether lines were broken because they were full, as in running text. On labels and in addresses the next word would
// often have fitted.
bool runs_on(const TextBlock& block, const TextLine& line, const TextLine& next, double min_width) {
  const int width = block.box.width();
  const double room = std::max(max_room * line.height, max_room_share * width);
  const int with_next = line.box.right + next.words.front().width();
  return width >= min_width * line.height && line.box.right >= block.box.right - room &&
         with_next >= block.box.right - min_room_left * line.height;
}

// Whether its first letter is in lower case (Western Europe), as within a sentence.
bool begins_small(std::string_view line) {
  const size_t at = std::min(line.find_first_not_of("\"'(["), line.size());
  const std::string_view letters = line.substr(at);
  if (letters.empty()) return false;
  const bool accented = letters.size() > 1 && letters[0] == '\xC3' && static_cast<uint8_t>(letters[1]) >= 0x9F;
  return (letters[0] >= 'a' && letters[0] <= 'z') || accented;
}

// Whether these are names, addresses and the like: all lines begin with capitals or figures, and end anywhere.
bool is_list_of_names(const TextBlock& block, const std::vector<PageLine>& lines) {
  bool ragged = lines.size() == 2;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0 && begins_small(lines[i].text)) return false;
    const TextLine& line = block.lines[i];
    ragged = ragged || (i + 1 < lines.size() && line.box.right < block.box.right - line.height);
  }
  return ragged;
}

// The bullet that a line begins with; empty without one.
std::string_view bullet_of(std::string_view line) {
  size_t end = 0;
  while (end < line.size() && (static_cast<uint8_t>(line[end]) & 0x80) != 0) ++end;
  if (end == 0 && (line.starts_with('-') || line.starts_with('*'))) end = 1;
  return end > 0 && end <= 3 && end < line.size() && line[end] == ' ' ? line.substr(0, end) : std::string_view();
}

// Whether the text has words: large figures and signs alone are not a title.
bool is_worded(const std::vector<PageLine>& lines) {
  int letters = 0;
  for (const PageLine& line : lines) {
    letters += static_cast<int>(std::ranges::count_if(line.text, [](char c) { return is_letter(c); }));
  }
  return letters >= min_title_letters;
}

// In capitals alone.
bool is_shouted(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         std::ranges::none_of(line, [](char c) { return c >= 'a' && c <= 'z'; });
}

bool is_indented(const TextLine& line, const TextLine& other) {
  return line.pitch > 0 && other.pitch > 0 && line.box.left - other.box.left > min_typed_indent * line.pitch;
}

// Whether a line looks like a line of a program: it ends with, or holds, signs that text does not.
bool looks_like_code(std::string_view line) {
  constexpr std::array<std::string_view, 14> signs = {
      " = ", "==", "!=", "+=", "->", "=>", "::", "()", "{}", "[]", "</", "/>", "//", "&&"};
  constexpr std::string_view ends = "{}();[]";
  if (line.empty()) return false;
  if (ends.find(line.back()) != std::string_view::npos) return true;
  if (line.back() == ':' && line.find_first_of("(_[") != std::string_view::npos) return true;
  return std::ranges::any_of(signs, [&](std::string_view sign) { return line.find(sign) != std::string_view::npos; });
}

// Pitch of a block in monospaced print, all of whose lines have it, except for lines too short to tell; 0 for other
// blocks.
double pitch_of(const TextBlock& block) {
  double pitch = 0;
  for (const TextLine& line : block.lines) {
    if (line.pitch == 0) continue;
    if (pitch > 0 && std::abs(line.pitch - pitch) > max_off_pitch * pitch) return 0;
    pitch = std::max(pitch, line.pitch);
  }
  const auto untold = [&](const TextLine& line) { return line.pitch == 0 && line.box.width() > 10 * pitch; };
  return std::ranges::any_of(block.lines, untold) ? 0 : pitch;
}

bool is_code(const std::vector<PageLine>& lines) {
  if (lines.size() < 2) return false;
  const auto like_code = std::ranges::count_if(lines, [](const PageLine& line) { return looks_like_code(line.text); });
  return static_cast<size_t>(like_code) * 2 >= lines.size();
}

// Words of a monospaced line, with as many spaces between them as the page has.
void append_typed(const PageLine& line, double pitch, std::string& text) {
  double column = 0;  // in letters, after the word before
  for (size_t i = 0; i < line.words.size(); ++i) {
    const double begins = (line.words[i].box.left - line.words.front().box.left) / pitch;
    if (i > 0) text.append(1 + static_cast<size_t>(std::max(0.0, begins - column - 1 + typed_space)), ' ');
    text += line.words[i].text;
    column = begins + static_cast<double>(length_of(line.words[i].text));
  }
}

// Lines as they are, with their indentation.
std::string code_of(const TextBlock& block, double pitch, const std::vector<PageLine>& lines) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) text += '\n';
    const int indent = block.lines[i].box.left - block.box.left;
    text.append(static_cast<size_t>(std::lround(indent / pitch)), ' ');
    if (lines[i].words.size() == block.lines[i].words.size()) {
      append_typed(lines[i], pitch, text);
    } else {
      text += lines[i].text;  // its words have no places
    }
  }
  return text;
}

// Lines of one block as text: running text is joined, list items get a line each.
std::string joined(const TextBlock& block, const std::vector<PageLine>& lines) {
  std::string text;
  const bool centred = is_centred(block);
  const double min_width = is_list_of_names(block, lines) ? min_prose_of_names : min_prose;
  std::string_view bullet;
  int last_item = lines.empty() ? 0 : item_number(lines.front().text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!text.empty() && !lines[i].text.empty()) {
      const bool next_number = last_item > 0 && item_number(lines[i].text) == last_item + 1;
      if (next_number) ++last_item;
      if (bullet.empty()) bullet = bullet_of(lines[i - 1].text);
      const bool next_item = next_number || (!bullet.empty() && bullet_of(lines[i].text) == bullet);
      if (parts_word(text, lines[i].text)) {
        text.pop_back();
      } else {
        const TextLine& before = block.lines[i - 1];
        const bool on = block.kind == BlockKind::title ? is_shouted(lines[i - 1].text) == is_shouted(lines[i].text)
                                                       : !centred && runs_on(block, before, block.lines[i], min_width);
        text += is_indented(block.lines[i], before) ? "\n\n" : on && !next_item ? " " : "\n";
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

// A list in columns, an entry a line; its lines come in that order.
std::string list_of(const std::vector<std::vector<size_t>>& entries, std::vector<PageLine>& lines) {
  std::string text;
  std::vector<PageLine> ordered;
  for (const std::vector<size_t>& entry : entries) {
    if (!text.empty()) text += '\n';
    for (const size_t i : entry) {
      if (i != entry.front()) text += ' ';
      text += lines[i].text;
      ordered.push_back(std::move(lines[i]));
    }
  }
  lines = std::move(ordered);
  return text;
}

void add_words(const PageLine& line, MeanConfidence& words) {
  for (const PageWord& word : line.words) {
    if (word.confidence) words.add(*word.confidence);
  }
}

PageLine read_line(const TextLine& line, std::span<const TextPiece> pieces, std::span<const RowText> texts,
                   const TextPage& page) {
  PageLine read;
  read.box = on_page(page, line.box);
  bool joins = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    place_words(line, pieces[i], words_in(texts[i]), page, joins, read);
    joins = pieces[i].continues;
  }
  for (const PageWord& word : read.words) {
    if (!read.text.empty()) read.text += ' ';
    read.text += word.text;
  }
  MeanConfidence words;
  add_words(read, words);
  read.confidence = words.value();
  return read;
}

}  // namespace

std::optional<std::vector<RowText>> split_rows(const RowText& view, size_t rows) {
  std::vector<RowText> lines;
  const std::string_view text = view.text;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trimmed(text.substr(at, end - at));
    const size_t begin = line.empty() ? at : static_cast<size_t>(line.data() - text.data());
    lines.push_back(part_of(view, begin, begin + line.size()));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().text.empty()) lines.pop_back();
  if (lines.size() != rows) return std::nullopt;
  return lines;
}

std::vector<Block> read_blocks(const TextPage& page, const std::vector<TextPiece>& pieces,
                               const std::vector<RowText>& texts) {
  std::vector<std::vector<PageLine>> lines(page.blocks.size());
  size_t next = 0;
  for (size_t b = 0; b < page.blocks.size(); ++b) {
    const std::vector<TextLine>& found = page.blocks[b].lines;
    for (size_t l = 0; l < found.size(); ++l) {
      const size_t first = next;
      while (next < pieces.size() && pieces[next].block == b && pieces[next].line == l) ++next;
      lines[b].push_back(read_line(found[l], std::span(pieces).subspan(first, next - first),
                                   std::span(texts).subspan(first, next - first), page));
    }
  }
  mend_bullets(page.blocks, lines);
  std::vector<Block> blocks;
  for (size_t b = 0; b < page.blocks.size(); ++b) {
    const TextBlock& found = page.blocks[b];
    Block block;
    block.label = name_of(found.kind);
    block.boxes.push_back(on_page(page, found.box));
    block.lines = std::move(lines[b]);
    MeanConfidence words;
    for (const PageLine& line : block.lines) add_words(line, words);
    block.confidence = words.value();
    const bool title = found.kind == BlockKind::title && is_worded(block.lines);
    if (found.kind == BlockKind::title && !title) block.label = name_of(BlockKind::text);
    const double pitch = found.kind == BlockKind::text ? pitch_of(found) : 0;
    const bool code = pitch > 0 && is_code(block.lines);
    if (code) block.label = name_of(BlockKind::code);
    const bool table = found.kind == BlockKind::table;
    const auto list = table ? entries_down(found, block.lines) : std::vector<std::vector<size_t>>();
    if (!list.empty()) block.label = name_of(BlockKind::text);
    block.text = !list.empty() ? list_of(list, block.lines)
                 : table       ? table_of(found, block.lines)
                 : code        ? code_of(found, pitch, block.lines)
                               : joined(found, block.lines);
    if (block.text.empty()) continue;
    if (title) block.text.insert(0, "# ");  // as the published model writes titles
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace lectern
