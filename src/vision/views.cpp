#include "vision/views.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>

#include "lectern/error.h"
#include "vision/resample.h"

namespace lectern {
namespace {

constexpr int min_tiles_of_page = 2;
constexpr uint8_t padding_grey = 127;

// Python's round(): halves go to the even neighbour, which is nearbyint in the default rounding mode.
int round_half_even(double x) { return static_cast<int>(std::nearbyint(x)); }

void paste(const Picture& from, Picture& to, int left, int top) {
  for (int y = 0; y < from.height; ++y) {
    std::copy_n(from.row(y), static_cast<size_t>(from.width) * 3, to.row(top + y) + static_cast<size_t>(left) * 3);
  }
}

Picture cut(const Picture& from, int left, int top, int side) {
  Picture out(side, side);
  for (int y = 0; y < side; ++y) {
    std::copy_n(from.row(top + y) + static_cast<size_t>(left) * 3, static_cast<size_t>(side) * 3, out.row(y));
  }
  return out;
}

// Pillow's ImageOps.pad to a square: the page scaled to fit, in the middle of a grey field. Where its short side would
// round to nothing, one pixel of it is kept.
Picture pad(const Picture& page, int side) {
  const double width = page.width, height = page.height;
  int fit_width = side, fit_height = side;
  if (page.width > page.height) {
    fit_height = std::max(round_half_even(height / width * side), 1);
  } else if (page.width < page.height) {
    fit_width = std::max(round_half_even(width / height * side), 1);
  }
  Picture fitted = resize_bicubic(page, fit_width, fit_height);
  if (fit_width == side && fit_height == side) return fitted;
  Picture out(side, side);
  std::fill(out.rgb.begin(), out.rgb.end(), padding_grey);
  paste(fitted, out, round_half_even((side - fit_width) * 0.5), round_half_even((side - fit_height) * 0.5));
  return out;
}

}  // namespace

std::pair<int, int> tile_grid(int width, int height, int tile, int min_tiles, int max_tiles) {
  const double ratio = static_cast<double>(width) / height;
  const double area = static_cast<double>(width) * height;
  std::pair<int, int> best{1, 1};
  double best_difference = std::numeric_limits<double>::infinity();
  for (int tiles = std::max(min_tiles, 1); tiles <= max_tiles; ++tiles) {
    for (int columns = 1; columns <= tiles; ++columns) {
      if (tiles % columns != 0) continue;
      const int rows = tiles / columns;
      const double difference = std::abs(ratio - static_cast<double>(columns) / rows);
      if (difference < best_difference) {
        best = {columns, rows};
        best_difference = difference;
      } else if (difference == best_difference && area > 0.5 * tile * tile * columns * rows) {
        best = {columns, rows};
      }
    }
  }
  return best;
}

Views make_views(const Picture& page, const ViewPlan& plan) {
  if (page.width <= 0 || page.height <= 0) throw Error("the page has no pixels; expected at least 1 x 1");
  if (plan.whole <= 0 || plan.tile <= 0) {
    throw Error("mode " + std::string(name_of(plan.mode)) + ": the views have " + std::to_string(plan.whole) + " and " +
                std::to_string(plan.tile) + " pixels a side; expected at least 1");
  }
  Views views;
  if (plan.crop && plan.max_tiles >= min_tiles_of_page && (page.width > plan.tile || page.height > plan.tile)) {
    std::tie(views.columns, views.rows) =
        tile_grid(page.width, page.height, plan.tile, min_tiles_of_page, plan.max_tiles);
    const Picture big = resize_bicubic(page, plan.tile * views.columns, plan.tile * views.rows);
    for (int row = 0; row < views.rows; ++row) {
      for (int column = 0; column < views.columns; ++column) {
        views.tiles.push_back(cut(big, column * plan.tile, row * plan.tile, plan.tile));
      }
    }
  }
  views.whole = plan.squash ? resize_bicubic(page, plan.whole, plan.whole) : pad(page, plan.whole);
  return views;
}

}  // namespace lectern
