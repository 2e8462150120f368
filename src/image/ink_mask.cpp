#include "image/ink_mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <functional>
#include <numeric>
#include <utility>

#include "core/quantile.h"

namespace lectern {
namespace {

constexpr double max_pixels = 16e6;
// Of grey levels. The least contrast that counts as ink on a page without noise, and the most that is asked for.
constexpr int min_contrast = 8, max_contrast = 48;
constexpr int contrast_to_noise = 7;
// Of a fill, pixels and parts of the page's longer side; and what may be ink beside darker strokes.
constexpr int min_fill_width = 40, fill_parts = 24, max_faint = 32;
// Noise from which on a page is smoothed; what is not smoothed keeps its faintest strokes.
constexpr int noisy = 2;
// Medians of neighbouring tiles of one paper, under uneven light, differ by less.
constexpr int paper_step = 20;

struct Grey {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> values;  // [height, width]

  uint8_t at(int x, int y) const {
    return values[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
};

Grey to_grey(const Picture& picture, int scale) {
  Grey grey{std::max(1, picture.width / scale), std::max(1, picture.height / scale), {}};
  grey.values.resize(static_cast<size_t>(grey.width) * static_cast<size_t>(grey.height));
  uint8_t* to = grey.values.data();
  for (int y = 0; y < grey.height; ++y) {
    const int rows = std::min(scale, picture.height - y * scale);
    for (int x = 0; x < grey.width; ++x) {
      const int columns = std::min(scale, picture.width - x * scale);
      int sum = 0;
      for (int dy = 0; dy < rows; ++dy) {
        const uint8_t* p = picture.row(y * scale + dy) + static_cast<size_t>(x) * static_cast<size_t>(scale) * 3;
        for (int dx = 0; dx < columns; ++dx, p += 3) sum += (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
      }
      *to++ = static_cast<uint8_t>(sum / (rows * columns));
    }
  }
  return grey;
}

// Means over 3 x 3 pixels, which quiet the noise of a scanner and leave the strokes of letters.
Grey smoothed(const Grey& grey) {
  Grey out = grey;
  const auto width = static_cast<size_t>(grey.width), height = static_cast<size_t>(grey.height);
  std::vector<int> sums(width + 2);  // of three rows, with a column repeated at either end
  for (size_t y = 0; y < height; ++y) {
    const uint8_t* above = grey.values.data() + (y > 0 ? y - 1 : y) * width;
    const uint8_t* row = grey.values.data() + y * width;
    const uint8_t* below = grey.values.data() + (y + 1 < height ? y + 1 : y) * width;
    for (size_t x = 0; x < width; ++x) sums[x + 1] = above[x] + row[x] + below[x];
    sums.front() = sums[1];
    sums.back() = sums[width];
    uint8_t* to = out.values.data() + y * width;
    for (size_t x = 0; x < width; ++x) to[x] = static_cast<uint8_t>((sums[x] + sums[x + 1] + sums[x + 2] + 4) / 9);
  }
  return out;
}

// The value that so many are not larger than.
int value_at(const std::array<int, 256>& counts, int rank) {
  int value = 0;
  for (int seen = counts[0]; seen < rank; seen += counts[static_cast<size_t>(value)]) ++value;
  return value;
}

// The tone of the paper, tile by tile. The commonest tone is paper, and what joins it without a step is paper in
// another light; tiles of something else (photographs, black borders, large letters) get the tone of paper nearby.
class Paper {
 public:
  explicit Paper(const Grey& grey) : side_(std::clamp(std::max(grey.width, grey.height) / 48, 16, 128)) {
    columns_ = (grey.width + side_ - 1) / side_;
    rows_ = (grey.height + side_ - 1) / side_;
    for (int row = 0; row < rows_; ++row) {
      for (int column = 0; column < columns_; ++column) tones_.push_back(median(grey, column, row));
    }
    std::array<int, 256> votes{};
    for (const int tone : tones_) {
      for (int t = std::max(0, tone - 4); t <= std::min(255, tone + 4); ++t) ++votes[static_cast<size_t>(t)];
    }
    const auto commonest = static_cast<int>(std::ranges::max_element(votes) - votes.begin());
    std::vector<bool> known(tones_.size());
    std::deque<size_t> front;
    for (size_t i = 0; i < tones_.size(); ++i) {
      known[i] = std::abs(tones_[i] - commonest) <= paper_step;
      if (known[i]) front.push_back(i);
    }
    // First all that joins the paper, then, from its rim, the rest.
    for (const bool joining : {true, false}) {
      for (std::deque<size_t> next = front; !next.empty(); next.pop_front()) {
        const size_t from = next.front();
        for (const size_t i : neighbours(from)) {
          if (known[i] || (joining && std::abs(tones_[i] - tones_[from]) > paper_step)) continue;
          if (!joining) tones_[i] = tones_[from];
          known[i] = true;
          next.push_back(i);
          front.push_back(i);
        }
      }
    }
  }

  // One row of the page, the tones between the centres of tiles interpolated.
  void tones(int y, std::vector<uint8_t>& row) const {
    const double at = std::clamp((y + 0.5) / side_ - 0.5, 0.0, rows_ - 1.0);
    const int above = static_cast<int>(at), below = std::min(above + 1, rows_ - 1);
    for (size_t x = 0; x < row.size(); ++x) {
      const double along = std::clamp((static_cast<double>(x) + 0.5) / side_ - 0.5, 0.0, columns_ - 1.0);
      const int left = static_cast<int>(along), right = std::min(left + 1, columns_ - 1);
      const double upper = std::lerp(tone(left, above), tone(right, above), along - left);
      const double lower = std::lerp(tone(left, below), tone(right, below), along - left);
      row[x] = static_cast<uint8_t>(std::lerp(upper, lower, at - above) + 0.5);
    }
  }

 private:
  double tone(int column, int row) const { return tones_[index(column, row)]; }
  size_t index(int column, int row) const {
    return static_cast<size_t>(row) * static_cast<size_t>(columns_) + static_cast<size_t>(column);
  }

  int median(const Grey& grey, int column, int row) const {
    std::array<int, 256> counts{};
    int total = 0;
    for (int y = row * side_; y < std::min((row + 1) * side_, grey.height); ++y) {
      for (int x = column * side_; x < std::min((column + 1) * side_, grey.width); ++x, ++total)
        ++counts[grey.at(x, y)];
    }
    return value_at(counts, total / 2);
  }

  std::vector<size_t> neighbours(size_t i) const {
    const int column = static_cast<int>(i % static_cast<size_t>(columns_));
    const int row = static_cast<int>(i / static_cast<size_t>(columns_));
    std::vector<size_t> all;
    if (column > 0) all.push_back(index(column - 1, row));
    if (column + 1 < columns_) all.push_back(index(column + 1, row));
    if (row > 0) all.push_back(index(column, row - 1));
    if (row + 1 < rows_) all.push_back(index(column, row + 1));
    return all;
  }

  int side_, columns_ = 0, rows_ = 0;
  std::vector<int> tones_;  // [rows, columns]
};

// What every pixel differs from the paper by.
void measure_deviations(const Grey& grey, const Paper& paper, InkMask& mask) {
  std::vector<uint8_t> tones(static_cast<size_t>(grey.width));
  for (int y = 0; y < grey.height; ++y) {
    paper.tones(y, tones);
    uint8_t* row = mask.row(y);
    for (int x = 0; x < grey.width; ++x) {
      row[x] = static_cast<uint8_t>(std::abs(grey.at(x, y) - tones[static_cast<size_t>(x)]));
    }
  }
}

// The noise of the paper: the upper quartile of the deviations, where there is least on the page. The median would not
// do, as half of the noise of white paper is cut off.
int noise_of(const InkMask& deviations) {
  constexpr int side = 32;
  std::vector<int> tiles;
  for (int top = 0; top < deviations.height; top += side) {
    for (int left = 0; left < deviations.width; left += side) {
      std::array<int, 256> counts{};
      int total = 0;
      for (int y = top; y < std::min(top + side, deviations.height); ++y) {
        for (int x = left; x < std::min(left + side, deviations.width); ++x, ++total) ++counts[deviations.row(y)[x]];
      }
      tiles.push_back(value_at(counts, total * 3 / 4));
    }
  }
  return quantile(std::move(tiles), 1, 4);
}

// Half of the contrast that ink of the page mostly has, of deviations from this one on. Where more of its darkness lies
// in dark strokes, light fills such as bubbles of a chat and the traces of compression around letters are no ink.
int half_contrast(const InkMask& deviations, int least) {
  const int fill_width = std::max(min_fill_width, deviations.longest() / fill_parts);
  std::array<int, 256> fills{}, strokes{}, both{};
  for (int y = 0; y < deviations.height; ++y) {
    const uint8_t* row = deviations.row(y);
    for (int x = 0; x < deviations.width; ++x) {
      const int first = x;
      while (x < deviations.width && row[x] >= least) ++x;
      std::array<int, 256>& counts = x - first >= fill_width ? fills : strokes;
      for (int i = first; i < x; ++i) ++counts[row[i]];
    }
  }
  std::ranges::transform(fills, strokes, both.begin(), std::plus());
  const int usual = value_at(both, std::accumulate(both.begin(), both.end(), 0) / 2);
  int64_t darkness = 0;
  const auto of_strokes = [&](int value) {
    const auto i = static_cast<size_t>(value);
    return int64_t{value} * (value >= 2 * usual ? both[i] : strokes[i]);
  };
  for (int value = 0; value < 256; ++value) darkness += of_strokes(value);
  int dark = 0;
  for (int64_t seen = 0; dark < 255 && 2 * (seen + of_strokes(dark)) < darkness; ++dark) seen += of_strokes(dark);
  return std::max(usual / 2, std::min(dark / 2, max_faint));
}

// Pieces are joined while rows are read; the parent of a joined piece is the one it went into.
class Joiner {
 public:
  int add() {
    parents_.push_back(static_cast<int>(parents_.size()));
    pieces_.push_back({1 << 30, 1 << 30, 0, 0, 0, 0});
    return parents_.back();
  }
  int root(int i) {
    while (parents_[static_cast<size_t>(i)] != i) {
      int& parent = parents_[static_cast<size_t>(i)];
      parent = parents_[static_cast<size_t>(parent)];
      i = parent;
    }
    return i;
  }
  int join(int a, int b) {
    a = root(a), b = root(b);
    if (a == b) return a;
    if (a > b) std::swap(a, b);
    parents_[static_cast<size_t>(b)] = a;
    extend(a, pieces_[static_cast<size_t>(b)]);
    return a;
  }
  void extend(int i, const InkPiece& by) {
    InkPiece& piece = pieces_[static_cast<size_t>(root(i))];
    piece = {std::min(piece.left, by.left),     std::min(piece.top, by.top), std::max(piece.right, by.right),
             std::max(piece.bottom, by.bottom), piece.pixels + by.pixels,    piece.inner + by.inner};
  }
  std::vector<InkPiece> roots() const {
    std::vector<InkPiece> all;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (parents_[i] == static_cast<int>(i)) all.push_back(pieces_[i]);
    }
    return all;
  }

 private:
  std::vector<int> parents_;
  std::vector<InkPiece> pieces_;
};

// What the masks of one picture share: how far each pixel is from the paper around it.
class Deviations {
 public:
  explicit Deviations(const Picture& picture)
      : scale_(scale_of(picture)), grey_(to_grey(picture, scale_)), paper_(grey_) {
    measure(grey_);
  }

  InkMask solid() const {
    const int contrast = contrast_at(noise_);
    return above(mask_, std::max(contrast, half_contrast(mask_, contrast)));
  }

  // The deviations are smoothed where the page is noisy: the last that is asked for.
  InkMask faint() {
    if (noise_ >= noisy) measure(smoothed(grey_));
    return above(std::move(mask_), contrast_at(noise_));
  }

 private:
  static int scale_of(const Picture& picture) {
    const double pixels = static_cast<double>(picture.width) * picture.height;
    return std::max(1, static_cast<int>(std::ceil(std::sqrt(pixels / max_pixels))));
  }
  static int contrast_at(int noise) { return std::clamp(contrast_to_noise * noise, min_contrast, max_contrast); }
  static InkMask above(InkMask mask, int contrast) {
    for (uint8_t& value : mask.ink) value = value >= contrast ? 1 : 0;
    return mask;
  }

  void measure(const Grey& grey) {
    mask_.width = grey.width;
    mask_.height = grey.height;
    mask_.scale = scale_;
    mask_.ink.resize(grey.values.size());
    measure_deviations(grey, paper_, mask_);
    noise_ = noise_of(mask_);
  }

  const int scale_;
  const Grey grey_;
  const Paper paper_;
  InkMask mask_;
  int noise_ = 0;
};

}  // namespace

InkMask find_ink(const Picture& picture, Ink wanted) {
  if (picture.width < 1 || picture.height < 1) return {};
  Deviations deviations(picture);
  return wanted == Ink::solid ? deviations.solid() : deviations.faint();
}

InkMasks find_inks(const Picture& picture) {
  if (picture.width < 1 || picture.height < 1) return {};
  Deviations deviations(picture);
  InkMask solid = deviations.solid();
  return {std::move(solid), deviations.faint()};
}

std::vector<InkPiece> ink_pieces(const InkMask& mask, bool bars) {
  struct PixelRun {
    int left, right, piece;
  };
  const int margin = std::max(1, std::min(mask.width, mask.height) / 20);
  Joiner joiner;
  std::vector<PixelRun> above, current;
  for (int y = 0; y < mask.height; ++y) {
    const uint8_t* row = mask.row(y);
    current.clear();
    size_t first = 0;  // run above that may touch
    for (int x = 0; x < mask.width; ++x) {
      if (row[x] == 0) continue;
      const int left = x;
      while (x < mask.width && row[x] != 0) ++x;
      while (first < above.size() && above[first].right < left) ++first;
      int piece = -1;
      for (size_t i = first; i < above.size() && above[i].left <= x; ++i) {
        piece = piece < 0 ? above[i].piece : joiner.join(piece, above[i].piece);
      }
      if (piece < 0) piece = joiner.add();
      const bool inside = y >= margin && y < mask.height - margin;
      const int inner = inside ? std::max(0, std::min(x, mask.width - margin) - std::max(left, margin)) : 0;
      joiner.extend(piece, {left, y, x, y + 1, x - left, inner});
      current.push_back({left, x, piece});
    }
    above.swap(current);
  }
  std::vector<InkPiece> pieces = joiner.roots();
  const int longest = mask.longest();
  std::erase_if(pieces, [&](const InkPiece& piece) {
    const bool at_edge = piece.left == 0 || piece.top == 0 || piece.right == mask.width || piece.bottom == mask.height;
    const bool border = at_edge && piece.inner <= piece.pixels / 50;
    const int thin = std::min(piece.width(), piece.height());
    const bool line = !bars && piece.longest() >= std::max(24, longest / 40) && piece.longest() >= 12 * thin;
    return border || line;
  });
  return pieces;
}

}  // namespace lectern
