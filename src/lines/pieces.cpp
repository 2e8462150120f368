#include "lines/pieces.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "lines/grey_picture.h"

namespace lectern {
namespace {

constexpr double margin_above = 0.12;  // of a line's height, kept around it
constexpr double max_white = 1.4;      // between words of a piece: models overlook words after more
constexpr int margin_beside = 2;       // pixels
constexpr double narrow_gap = 0.7;     // of the widest gap at which a line could be cut
constexpr int left_of_piece = 5;       // pixels of the view
constexpr const char *empty_box = "\xE2\x98\x90", *ticked_box = "\xE2\x98\x92";  // U+2610, U+2612
// Lines of a block whose heights differ by less have letters of the same size: some lack tall or low ones.
constexpr double min_share = 0.62, max_share = 1.3;

// Height of the letters of a line: that of its block, unless the line is set in another size.
int letter_height(const TextBlock& block, const TextLine& line) {
  std::vector<int> heights;
  for (const TextLine& other : block.lines) heights.push_back(other.height);
  std::ranges::sort(heights);
  const int usual = heights[heights.size() * 3 / 4];
  return line.height >= min_share * usual && line.height <= max_share * usual ? usual : line.height;
}

// The column of the lightest ink in the last part of a stretch that must be cut.
int cut_position(const GreyPicture& grey, const PixelBox& box, int left, int room) {
  int best = left + room;
  long least = -1;
  for (int x = left + room * 2 / 3; x < std::min(left + room, box.right); ++x) {
    long ink = 0;
    for (int y = box.top; y < box.bottom; ++y) ink += std::abs(grey.at(x, y) - grey.paper);
    if (least < 0 || ink <= least) least = ink, best = x;
  }
  return std::max(best, left + 1);
}

const TextLine::Check* check_at(const TextLine& line, size_t word) {
  const auto found = std::ranges::find(line.checks, word, &TextLine::Check::word);
  return found != line.checks.end() ? &*found : nullptr;
}

// Number of words from `first` on in a piece: as many as fit, but fewer if the last gap is narrow and may lie within a
// number or a word that is set wide.
size_t words_that_fit(const TextLine& line, size_t first, int room) {
  const std::vector<PixelBox>& words = line.words;
  size_t most = 1;
  const auto gap_behind = [&](size_t count) { return words[first + count].left - words[first + count - 1].right; };
  const auto is_near = [&](size_t count) {
    return gap_behind(count) <= max_white * line.height && check_at(line, first + count) == nullptr;
  };
  while (first + most < words.size() && words[first + most].right - words[first].left <= room && is_near(most)) ++most;
  if (first + most == words.size() || !is_near(most)) return most;
  int widest = 0;
  for (size_t count = most; count > 0 && words[first + count - 1].right - words[first].left >= room / 2; --count) {
    widest = std::max(widest, gap_behind(count));
  }
  size_t count = most;
  while (count > 1 && gap_behind(count) < narrow_gap * widest) --count;
  return count;
}

void cut_line(const GreyPicture& grey, const TextLine& line, double scale, int piece_width, TextPiece piece,
              std::vector<TextPiece>& out) {
  const int room = std::max(8, static_cast<int>(piece_width / scale));
  const auto emit = [&](size_t first, size_t words, const PixelBox& box, bool continues) {
    piece.first_word = first, piece.words = words, piece.box = box, piece.continues = continues;
    piece.box.top = line.box.top, piece.box.bottom = line.box.bottom;
    out.push_back(piece);
  };
  for (size_t i = 0; i < line.words.size();) {
    PixelBox box = line.words[i];
    if (const TextLine::Check* check = check_at(line, i)) {
      piece.text = check->ticked ? ticked_box : empty_box;
      emit(i, 1, box, false);
      piece.text.clear();
      ++i;
      continue;
    }
    if (box.width() > room) {
      while (box.width() > room) {
        PixelBox part = box;
        part.right = cut_position(grey, line.box, box.left, room);
        emit(i, 1, part, true);
        box.left = part.right;
      }
      emit(i, 1, box, false);
      ++i;
      continue;
    }
    const size_t count = words_that_fit(line, i, room);
    for (size_t k = 1; k < count; ++k) box.include(line.words[i + k]);
    emit(i, count, box, false);
    i += count;
  }
}

}  // namespace

std::vector<TextPiece> cut_into_pieces(const TextPage& page, const RowFormat& format) {
  std::vector<TextPiece> pieces;
  const GreyPicture grey(page.picture);
  for (size_t b = 0; b < page.blocks.size(); ++b) {
    const TextBlock& block = page.blocks[b];
    for (size_t l = 0; l < block.lines.size(); ++l) {
      const TextLine& line = block.lines[l];
      TextPiece piece;
      piece.block = b, piece.line = l;
      piece.scale = static_cast<double>(format.ink_height) / letter_height(block, line);
      cut_line(grey, line, piece.scale, format.piece_width, piece, pieces);
    }
  }
  return pieces;
}

std::vector<Picture> stack_pieces(const TextPage& page, std::span<const TextPiece> pieces, const RowFormat& format,
                                  size_t rows) {
  std::vector<Picture> views;
  const GreyPicture grey(page.picture);
  const uint8_t paper = grey.paper >= 150 ? grey.paper : static_cast<uint8_t>(235);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto row = static_cast<int>(i % rows);
    if (row == 0) {
      Picture& view = views.emplace_back(format.view, format.view);
      std::ranges::fill(view.rgb, paper);
    }
    const TextPiece& piece = pieces[i];
    const int margin = static_cast<int>(std::lround(margin_above * format.ink_height / piece.scale));
    PixelBox cut = piece.box;
    cut.left = std::max(0, cut.left - margin_beside);
    cut.right = std::min(grey.width, cut.right + margin_beside);
    cut.top = std::max(0, cut.top - margin);
    cut.bottom = std::min(grey.height, cut.bottom + margin);
    const int width = std::clamp(static_cast<int>(std::lround(cut.width() * piece.scale)), 1, format.view - 6);
    const int height = std::clamp(static_cast<int>(std::lround(cut.height() * piece.scale)), 1, format.row_height - 2);
    const GreyPicture scaled = grey.cut(cut).on_paper(paper).resized(width, height);
    const int top = row * format.row_height + (format.row_height - scaled.height) / 2;
    for (int y = 0; y < scaled.height; ++y) {
      uint8_t* to = views.back().row(top + y) + static_cast<ptrdiff_t>(left_of_piece) * 3;
      for (int x = 0; x < scaled.width; ++x, to += 3) to[0] = to[1] = to[2] = scaled.at(x, y);
    }
  }
  return views;
}

}  // namespace lectern
