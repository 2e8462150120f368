#include "lines/segmentation/line_groups.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <span>
#include <utility>

namespace lectern {
namespace {

// In heights of a line.
constexpr double max_white_in_columns = 2.5, max_white_in_table = 4.5;
// Of a column that goes on below a picture so high.
constexpr double max_picture = 14, min_text_width = 18;
constexpr size_t min_text_lines = 8;
constexpr double max_off_edge = 0.5;                   // of cells that stand under each other
constexpr double max_white_below_first = 1.2;          // a single line of distant parts is a heading of the page
constexpr double max_line_white = 1, max_early = 2.5;  // of the first lines of a column that begins above its neighbour

// Whether all parts of a row are aligned with those of another, at their left or right edges.
bool in_same_columns(const Parts& row, const Parts& above) {
  const auto stands_under = [&](const TextLine& part) {
    return std::ranges::any_of(above, [&](const TextLine& other) {
      const double edge = max_off_edge * std::max(part.height, other.height);
      return std::abs(part.box.left - other.box.left) <= edge || std::abs(part.box.right - other.box.right) <= edge;
    });
  };
  return row.size() > 1 && std::ranges::all_of(row, stands_under);
}

// Whether a line goes on below one of several parts that is not the first: it is no heading.
bool is_below_further(const Parts& row, const Parts& above) {
  const std::vector<Parts> rows = rows_of(above);
  return row.size() == 1 && std::ranges::any_of(std::span(rows.back()).subspan(1), [&](const TextLine& other) {
           return std::abs(row.front().box.left - other.box.left) <= max_off_edge * row.front().height;
         });
}

Parts with(Parts parts, const Parts& more) {
  parts.insert(parts.end(), more.begin(), more.end());
  return parts;
}

bool crosses(const Parts& band, const Parts& group, double gap) {
  const PixelBox box = box_of(band);
  const std::vector<Span> columns = columns_of(group, gap);
  for (size_t i = 1; i < columns.size(); ++i) {
    if (box.left < columns[i - 1].last - gap && box.right > columns[i].first + gap) return true;
  }
  return false;
}

// Whether a column of running text continues after white, such as a picture.
bool is_below_text(const Parts& band, const Parts& group, double gap, int white) {
  const int height = height_of(group);
  if (white > max_picture * height) return false;
  const std::vector<Span> columns = columns_of(group, gap);
  const std::vector<Parts> parts = split(group, columns);
  const PixelBox box = box_of(band);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (box.left >= columns[i].first - gap && box.right <= columns[i].last + gap)
      return parts[i].size() >= min_text_lines && columns[i].last - columns[i].first >= min_text_width * height;
  }
  return false;
}

// Takes the lines that begin a column on the right a little above the one on its left out of those above them.
std::vector<Parts> take_beginning(std::vector<Parts>& above, const Parts& band, double gap) {
  const std::vector<Span> columns = columns_of(band, gap);
  const int height = height_of(band);
  std::vector<Parts> taken;
  int top = box_of(band).top;
  while (!above.empty()) {
    const PixelBox box = box_of(above.back());
    const bool begins = box.left >= columns[1].first - max_off_edge * height &&
                        top - box.bottom < max_line_white * height && box.top >= box_of(band).top - max_early * height;
    if (!begins) break;
    top = box.top;
    taken.insert(taken.begin(), std::move(above.back()));
    above.pop_back();
  }
  return taken;
}

}  // namespace

std::vector<Parts> groups_of(Parts parts) {
  const double gap = min_gutter * height_of(parts);
  std::ranges::sort(parts, [](const TextLine& a, const TextLine& b) { return a.box.top < b.box.top; });
  // Bands: parts that overlap from top to bottom.
  std::vector<Parts> bands;
  int bottom = 0;
  for (TextLine& part : parts) {
    const double touching = 0.25 * std::min(part.box.height(), part.height);
    if (bands.empty() || part.box.top >= bottom - touching) {
      bands.emplace_back();
      bottom = part.box.bottom;
    }
    bottom = std::max(bottom, part.box.bottom);
    bands.back().push_back(std::move(part));
  }
  std::vector<std::vector<Parts>> groups;  // of bands
  bool parted = false;                     // the last group has columns
  for (Parts& band : bands) {
    const bool alone = columns_of(band, gap).size() == 1;
    if (!groups.empty()) {
      std::vector<Parts>& group = groups.back();
      const Parts above = gathered(group);
      // A line over the whole width, or a wide gap before it, ends a group with columns.
      const int white = box_of(band).top - box_of(above).bottom;
      const bool heads = alone && group.size() == 1 && !is_below_further(band, group.back());
      const double most = heads                                 ? max_white_below_first
                          : in_same_columns(band, group.back()) ? max_white_in_table
                                                                : max_white_in_columns;
      const bool near = white < most * height_of(band) || (alone && is_below_text(band, above, gap, white));
      bool stay = parted && near && !(alone && crosses(band, above, gap));
      if (stay && columns_of(with(above, band), gap).size() == 1) {
        // The head of a page may stand over the white between its columns.
        const Parts text = with(gathered(std::span(group).subspan(1)), band);
        stay = group.size() > 1 && !alone && columns_of(text, gap).size() > 1;
        if (stay) {
          std::vector<Parts> rest(std::make_move_iterator(group.begin() + 1), std::make_move_iterator(group.end()));
          group.resize(1);
          groups.push_back(std::move(rest));
        }
      }
      if (parted ? stay : alone) {
        groups.back().push_back(std::move(band));
        continue;
      }
    }
    std::vector<Parts> group;
    if (!parted && !alone && !groups.empty()) group = take_beginning(groups.back(), band, gap);
    if (!groups.empty() && groups.back().empty()) groups.pop_back();
    parted = !alone;
    group.push_back(std::move(band));
    groups.push_back(std::move(group));
  }
  std::vector<Parts> all;
  all.reserve(groups.size());
  for (const std::vector<Parts>& group : groups) all.push_back(gathered(group));
  return all;
}

}  // namespace lectern
