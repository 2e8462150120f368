#include "image/ink.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "core/quantile.h"
#include "core/text.h"
#include "image/ink_mask.h"
#include "image/rules.h"

namespace lectern {
namespace {

// More pieces than a newspaper page has glyphs: noise, or a halftone.
constexpr size_t max_pieces = 100'000;
// A page of so many letters of which not one in so many came lacks text; of what has enough none is counted.
constexpr size_t min_letters = 100, letters_to_characters = 8, enough_characters = 600;

using Pieces = std::vector<InkPiece>;

// The side below which a piece is a speck: 0.7 mm of an A4 page.
int speck_side(const InkMask& mask) { return std::max(4, mask.longest() / 400); }

// Whether two pieces stand side by side as letters of a line do.
bool are_neighbours(const InkPiece& a, const InkPiece& b) {
  const int tall = std::max(a.height(), b.height()), small = std::min(a.height(), b.height());
  const int gap = std::max(a.left, b.left) - std::min(a.right, b.right);
  const int overlap = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return gap * 2 <= tall * 3 && overlap * 5 >= small * 2 && tall <= small * 5;
}

// Groups of pieces that stand in lines.
std::vector<Pieces> lines_of(Pieces pieces) {
  std::ranges::sort(pieces, {}, &InkPiece::left);
  std::vector<size_t> parents(pieces.size());
  std::iota(parents.begin(), parents.end(), size_t{0});
  const auto root = [&](size_t i) {
    while (parents[i] != i) i = parents[i] = parents[parents[i]];
    return i;
  };
  int tallest = 0;
  for (const InkPiece& piece : pieces) tallest = std::max(tallest, piece.height());
  for (size_t i = 0; i < pieces.size(); ++i) {
    for (size_t j = i + 1; j < pieces.size() && (pieces[j].left - pieces[i].right) * 2 <= tallest * 3; ++j) {
      if (are_neighbours(pieces[i], pieces[j])) parents[root(j)] = root(i);
    }
  }
  std::vector<Pieces> lines;
  std::vector<size_t> line_of(pieces.size(), pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    size_t& line = line_of[root(i)];
    if (line == pieces.size()) {
      line = lines.size();
      lines.emplace_back();
    }
    lines[line].push_back(pieces[i]);
  }
  return lines;
}

InkPiece together(const InkPiece& a, const InkPiece& b) {
  return {std::min(a.left, b.left),     std::min(a.top, b.top), std::max(a.right, b.right),
          std::max(a.bottom, b.bottom), a.pixels + b.pixels,    a.inner + b.inner};
}

InkPiece around(const Pieces& pieces) {
  return std::accumulate(pieces.begin() + 1, pieces.end(), pieces.front(), together);
}

Pieces turned(Pieces pieces) {
  for (InkPiece& piece : pieces) {
    std::swap(piece.left, piece.top);
    std::swap(piece.right, piece.bottom);
  }
  return pieces;
}

// At least three letters, most of them about as tall as the middle one; or a word whose letters touch.
bool looks_like_text(const Pieces& line, int speck) {
  const InkPiece box = around(line);
  if (box.width() * 2 < box.height() * 3) return false;
  std::vector<int> heights;
  for (const InkPiece& piece : line) heights.push_back(piece.height());
  const int middle = median(heights);
  if (middle < speck) return false;
  const int64_t area = int64_t{box.width()} * box.height();
  if (int64_t{box.pixels} * 20 < area || int64_t{box.pixels} * 10 > area * 8) return false;  // hairlines; solid bars
  if (line.size() < 3) return box.width() >= 4 * box.height();
  const auto alike = std::ranges::count_if(heights, [&](int h) { return h * 5 >= middle * 2 && h * 5 <= middle * 11; });
  return alike * 5 >= static_cast<int64_t>(heights.size()) * 3;
}

bool is_covered(const InkPiece& piece, std::span<const Box> covered, int scale, double margin) {
  const double x = (piece.left + piece.right) * 0.5 * scale, y = (piece.top + piece.bottom) * 0.5 * scale;
  return std::ranges::any_of(covered, [&](const Box& box) {
    return x >= box.left - margin && x <= box.right + margin && y >= box.top - margin && y <= box.bottom + margin;
  });
}

// Lines that follow each other closely become one piece, from the top.
Pieces paragraphs_of(Pieces lines) {
  struct Paragraph {
    InkPiece box;
    int line_height;
  };
  std::ranges::sort(lines, {}, &InkPiece::top);
  std::vector<Paragraph> paragraphs;
  for (const InkPiece& line : lines) {
    Paragraph all = {line, line.height()};
    for (bool grown = true; grown;) {  // a wide line may close the gap between two that are there already
      grown = false;
      std::erase_if(paragraphs, [&](const Paragraph& other) {
        const int gap = std::max(all.box.top, other.box.top) - std::min(all.box.bottom, other.box.bottom);
        const int overlap = std::min(all.box.right, other.box.right) - std::max(all.box.left, other.box.left);
        if (overlap <= 0 || gap * 2 > 3 * std::max(all.line_height, other.line_height)) return false;
        all = {together(all.box, other.box), std::max(all.line_height, other.line_height)};
        return grown = true;
      });
    }
    paragraphs.push_back(all);
  }
  Pieces boxes;
  for (const Paragraph& paragraph : paragraphs) boxes.push_back(paragraph.box);
  std::ranges::sort(boxes, {}, &InkPiece::top);
  return boxes;
}

InkMask without_rules(const Picture& page) {
  InkMask mask = find_ink(page);
  if (!mask.ink.empty()) take_rules(mask, 0);
  return mask;
}

// What looks like lines of text outside of every box.
std::vector<Pieces> text_lines(const Picture& page, const InkMask& mask, std::span<const Box> covered) {
  if (mask.ink.empty()) return {};
  Pieces pieces = ink_pieces(mask);
  const int speck = speck_side(mask);
  const int letter = std::max(100, mask.longest() / 8);  // what is larger is a picture
  const double margin = std::max(page.width, page.height) * 0.005;
  std::erase_if(pieces, [&](const InkPiece& piece) {
    return piece.longest() * 2 < speck || piece.height() > letter || is_covered(piece, covered, mask.scale, margin);
  });
  if (pieces.size() > max_pieces) return {};
  std::vector<Pieces> lines = lines_of(std::move(pieces));
  std::erase_if(lines, [&](const Pieces& line) { return !looks_like_text(line, speck); });
  return lines;
}

// Roughly: dots count, and letters that touch are one.
size_t count_letters(const Picture& page) {
  size_t letters = 0;
  for (const Pieces& line : text_lines(page, without_rules(page), {})) letters += line.size();
  return letters;
}

}  // namespace

bool is_blank(const Picture& page) {
  const InkMask mask = without_rules(page);
  if (mask.ink.empty()) return true;
  Pieces pieces = ink_pieces(mask);
  const int speck = speck_side(mask), sure = std::max(7, mask.longest() / 150);
  std::erase_if(pieces, [&](const InkPiece& piece) { return piece.longest() < speck; });
  if (pieces.size() > max_pieces) return false;
  if (std::ranges::any_of(pieces, [&](const InkPiece& piece) { return piece.longest() >= sure; })) return false;
  const auto in_line = [](const Pieces& line) {
    if (line.size() != 2) return line.size() > 2;
    const int a = line[0].height(), b = line[1].height();
    return std::abs(line[0].bottom - line[1].bottom) <= 2 && std::abs(a - b) * 4 <= std::max(a, b);
  };
  return std::ranges::none_of(lines_of(pieces), in_line) && std::ranges::none_of(lines_of(turned(pieces)), in_line);
}

std::vector<Box> uncovered_ink(const Picture& page, std::span<const Box> covered) {
  const InkMask mask = without_rules(page);
  Pieces lines;
  for (const Pieces& line : text_lines(page, mask, covered)) lines.push_back(around(line));
  std::vector<Box> boxes;
  for (const InkPiece& piece : paragraphs_of(std::move(lines))) {
    boxes.push_back({static_cast<double>(piece.left) * mask.scale, static_cast<double>(piece.top) * mask.scale,
                     std::min<double>(page.width, static_cast<double>(piece.right) * mask.scale),
                     std::min<double>(page.height, static_cast<double>(piece.bottom) * mask.scale)});
  }
  return boxes;
}

std::optional<Warning> unread_ink(const Page& page, const Picture& picture) {
  const bool something =
      std::ranges::any_of(page.blocks, [](const Block& block) { return !block.text.empty() || !block.boxes.empty(); });
  if (something || !page.error.empty() || page.finish == Finish::stopped || is_blank(picture)) return std::nullopt;
  return Warning{WarningCode::nothing_read, "there is ink on the page, and nothing was read", std::nullopt};
}

std::optional<Warning> little_read(const Page& page, const Picture& picture) {
  if (!page.error.empty() || page.finish != Finish::end || page.blocks.empty()) return std::nullopt;
  size_t characters = 0;
  for (const Block& block : page.blocks) {
    if (block.text.empty() && !block.boxes.empty()) return std::nullopt;  // a figure, whose letters need not be read
    characters += static_cast<size_t>(std::ranges::count_if(block.text, [](char c) { return !is_space(c); }));
  }
  if (characters >= enough_characters) return std::nullopt;
  const size_t letters = count_letters(picture);
  if (letters < min_letters || characters * letters_to_characters >= letters) return std::nullopt;
  return Warning{WarningCode::little_read,
                 fmt::format("there seem to be about {} letters on the page, and {} were read", letters, characters),
                 std::nullopt};
}

}  // namespace lectern
