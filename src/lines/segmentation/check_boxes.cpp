#include "lines/segmentation/check_boxes.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace lectern {
namespace {

// In heights of letters without ascender.
constexpr double min_side = 1.2, max_side = 2.6;
constexpr double max_tick = 1.8;           // size of a piece with a tick that sticks out, to its box
constexpr double max_off_square = 1.2;     // of the sides to each other
constexpr double min_stroke_run = 0.5;     // of the piece's side, by a stroke along it
constexpr double min_covered = 0.93;       // of a side, its corners left out, by ink
constexpr double corner = 0.05;            // of a side
constexpr int max_rim = 2;                 // pixels from the edge of a side to its ink
constexpr double min_white_beside = 0.12;  // of a side: letters of a word stand closer
constexpr double max_stroke = 0.22;        // of a side
constexpr double min_tick = 0.06;          // of what is inside, by ink
constexpr double min_rest = 0.25;          // of a box: a narrower rest of a word is dropped

// The mask within a piece, transposed or not.
struct View {
  const InkMask& mask;
  const InkPiece& piece;
  bool down;

  int lines() const { return down ? piece.width() : piece.height(); }
  int length() const { return down ? piece.height() : piece.width(); }
  bool ink(int line, int at) const {
    return down ? mask.row(piece.top + at)[piece.left + line] != 0 : mask.row(piece.top + line)[piece.left + at] != 0;
  }
};

int longest_run(const View& view, int line) {
  int longest = 0, run = 0;
  for (int at = 0; at < view.length(); ++at) {
    run = view.ink(line, at) ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

struct Sides {
  int first = 0, last = 0;  // lines of the outer rims
  int stroke = 0;           // thickness of the first
};

// The two outermost strokes.
std::optional<Sides> sides_of(const View& view) {
  const auto least = static_cast<int>(min_stroke_run * view.length());
  Sides sides = {-1, -1, 0};
  for (int line = 0; line < view.lines(); ++line) {
    if (longest_run(view, line) < least) continue;
    if (sides.first < 0) sides.first = line;
    if (line == sides.first + sides.stroke) ++sides.stroke;
    sides.last = line;
  }
  if (sides.first < 0 || sides.last <= sides.first) return std::nullopt;
  return sides;
}

// Whether ink runs along the rim of one side up to its corners, unlike in round letters.
bool is_covered(const View& view, int rim, int inwards, int first, int last) {
  const int cut = static_cast<int>(corner * (last - first + 1));
  int covered = 0, all = 0;
  for (int at = first + cut; at <= last - cut; ++at, ++all) {
    bool ink = false;
    for (int k = 0; k < max_rim && !ink; ++k) ink = view.ink(rim + k * inwards, at);
    covered += ink ? 1 : 0;
  }
  return all > 0 && covered >= min_covered * all;
}

// Whether no ink stands close beside the lower half of a box, where no tick sticks out.
bool stands_free(const InkMask& mask, const PixelBox& box) {
  const int white = std::max(2, static_cast<int>(min_white_beside * box.width()));
  for (int y = box.middle(); y < box.bottom; ++y) {
    for (int k = 2; k <= white + 1; ++k) {  // the first may be the box's own blurred rim
      if ((box.left >= k && mask.row(y)[box.left - k] != 0) ||
          (box.right + k <= mask.width && mask.row(y)[box.right + k - 1] != 0))
        return false;
    }
  }
  return true;
}

std::optional<CheckBox> check_box_in(const InkMask& mask, const InkPiece& piece, int letter_height) {
  const double least = min_side * letter_height, most = max_side * letter_height;
  if (std::min(piece.width(), piece.height()) < least || piece.longest() > max_tick * most) return std::nullopt;
  const View rows = {mask, piece, false}, columns = {mask, piece, true};
  const std::optional<Sides> across = sides_of(rows), down = sides_of(columns);
  if (!across || !down) return std::nullopt;
  const int width = down->last - down->first + 1, height = across->last - across->first + 1;
  const int stroke = std::max(across->stroke, down->stroke);
  if (std::min(width, height) < least || std::max(width, height) > most) return std::nullopt;
  if (width > max_off_square * height || height > max_off_square * width) return std::nullopt;
  if (piece.longest() > max_tick * std::max(width, height) || stroke > max_stroke * width) return std::nullopt;
  if (!is_covered(rows, across->first, 1, down->first, down->last) ||
      !is_covered(rows, across->last, -1, down->first, down->last) ||
      !is_covered(columns, down->first, 1, across->first, across->last) ||
      !is_covered(columns, down->last, -1, across->first, across->last))
    return std::nullopt;
  const PixelBox box = {piece.left + down->first, piece.top + across->first, piece.left + down->last + 1,
                        piece.top + across->last + 1};
  if (!stands_free(mask, box)) return std::nullopt;
  // All that is inside, ticks that do not touch the box too.
  const int rim = stroke + 1;
  int ink = 0, inside = 0;
  for (int y = across->first + rim; y <= across->last - rim; ++y) {
    for (int x = down->first + rim; x <= down->last - rim; ++x, ++inside) ink += rows.ink(y, x) ? 1 : 0;
  }
  if (inside == 0) return std::nullopt;
  CheckBox found;
  found.box = {box.left * mask.scale, box.top * mask.scale, box.right * mask.scale, box.bottom * mask.scale};
  found.ticked = ink >= min_tick * inside;
  return found;
}

bool is_within(const PixelBox& inner, const PixelBox& outer) {
  const int x = (inner.left + inner.right) / 2;
  return x >= outer.left && x <= outer.right && inner.middle() >= outer.top && inner.middle() <= outer.bottom;
}

// Splits the word that contains the box; nothing if no word does.
void mark(const CheckBox& check, TextLine& line) {
  for (size_t i = 0; i < line.words.size(); ++i) {
    const PixelBox word = line.words[i];
    if (!is_within(check.box, word)) continue;
    const double least = min_rest * check.box.width();
    std::vector<PixelBox> parts;
    if (check.box.left - word.left > least) parts.push_back({word.left, word.top, check.box.left - 1, word.bottom});
    const size_t at = i + parts.size();
    parts.push_back(check.box);
    if (word.right - check.box.right > least) parts.push_back({check.box.right + 1, word.top, word.right, word.bottom});
    line.words.erase(line.words.begin() + static_cast<ptrdiff_t>(i));
    line.words.insert(line.words.begin() + static_cast<ptrdiff_t>(i), parts.begin(), parts.end());
    for (TextLine::Check& other : line.checks) other.word += other.word > i ? parts.size() - 1 : 0;
    line.checks.push_back({at, check.ticked});
    return;
  }
}

}  // namespace

std::vector<CheckBox> find_check_boxes(const InkMask& mask, std::span<const InkPiece> pieces, int letter_height) {
  std::vector<CheckBox> boxes;
  for (const InkPiece& piece : pieces) {
    if (const std::optional<CheckBox> box = check_box_in(mask, piece, letter_height)) boxes.push_back(*box);
  }
  return boxes;
}

void mark_check_boxes(std::span<const CheckBox> boxes, std::span<TextBlock> blocks) {
  for (const CheckBox& check : boxes) {
    for (TextBlock& block : blocks) {
      for (TextLine& line : block.lines) {
        if (is_within(check.box, line.box)) mark(check, line);
      }
    }
  }
}

}  // namespace lectern
