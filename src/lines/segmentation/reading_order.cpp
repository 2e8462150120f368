#include "lines/segmentation/reading_order.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "core/quantile.h"
#include "lines/segmentation/line_groups.h"
#include "lines/segmentation/part_grid.h"
#include "lines/segmentation/side_columns.h"
#include "lines/segmentation/tables/centred_cells.h"
#include "lines/segmentation/tables/column_lists.h"
#include "lines/segmentation/tables/label_grid.h"
#include "lines/segmentation/tables/table_rows.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double column_of_numbers = 3.5;  // "1.", "a)", bullets: part of the line beside them
constexpr double max_alone = 0.25;         // of the numbers of a list: empty lines of a program
constexpr double max_parted = 0.4;         // of the rows of a list
constexpr double paragraph_gap = 1.6;      // more white above a line begins a block,
constexpr double max_pitch = 1.35;         // and so does a longer way from line to line than is usual
constexpr double max_line_pitch = 2.6;     // what is set wider is no running text
constexpr double indent = 0.7;
constexpr double max_resize = 1.6;     // of heights of lines of one block; without tall and low letters a line is lower
constexpr double title_height = 1.22;  // of the page's usual lines; and of titles of different ranks
// The same by the letters of lines, while their heights do not say the opposite.
constexpr double max_letter_resize = 1.22, max_line_resize = 1.2;
constexpr int min_resize = 3;              // pixels
constexpr double max_small_letter = 0.72;  // of the height of a line with taller letters
constexpr double title_letter = 1.33, min_title_letter = 1.1, min_title_line = 0.95;
constexpr size_t max_title_lines = 3;
constexpr double min_parting_rule = 0.7;  // of the width that a rule parts
constexpr size_t min_framed = 2;          // parts in a frame
constexpr size_t max_footer_rows = 6;
constexpr double min_footer_column = 3.5, max_footer_step = 1.8;  // its width, and from line to line
constexpr double max_small_print = 0.9;                           // of the page's letters

int usual_letter(const Parts& parts) {
  std::vector<int> letters;
  letters.reserve(parts.size());
  for (const TextLine& part : parts) letters.push_back(part.letter);
  return median(std::move(letters));
}

// Of most lines with tall and low letters.
int tall_height(const Parts& parts) {
  std::vector<int> heights;
  heights.reserve(parts.size());
  for (const TextLine& part : parts) heights.push_back(part.height);
  return quantile(std::move(heights), 3, 4);
}

// Whether the letters of a line tell its size: some are taller than most, so most are in lower case, and not figures.
bool tells_size(const TextLine& line) { return line.letter <= max_small_letter * line.height; }

// Whether a line is set larger than another.
bool is_larger(const TextLine& line, const TextLine& than) {
  return tells_size(line) && tells_size(than) && line.letter > max_letter_resize * than.letter &&
         line.letter >= than.letter + min_resize && line.height > max_line_resize * than.height;
}

class Arranger {
 public:
  Arranger(const Parts& parts, std::span<const PixelBox> rules, std::span<const PixelBox> frames)
      : usual_(height_of(parts)), usual_letter_(usual_letter(parts)), rules_(rules) {
    if (!parts.empty()) bottom_ = box_of(parts).bottom, tall_ = tall_height(parts);
    arrange(framed(parts, frames));
  }
  std::vector<TextBlock> blocks() && { return std::move(blocks_); }

 private:
  // Parts in a frame; inner frames among them are parts without words.
  struct Framed {
    PixelBox box;
    Parts parts;
  };

  // Parts in frames go into these, the innermost first; each frame stands for its parts.
  Parts framed(Parts parts, std::span<const PixelBox> frames) {
    std::vector<PixelBox> from_inner(frames.begin(), frames.end());
    std::ranges::stable_sort(from_inner, {}, [](const PixelBox& box) { return int64_t{box.width()} * box.height(); });
    for (const PixelBox& frame : from_inner) {
      const auto within = [&](const TextLine& part) {
        const int x = (part.box.left + part.box.right) / 2;
        return x > frame.left && x < frame.right && part.box.middle() > frame.top && part.box.middle() < frame.bottom;
      };
      Parts inside;
      std::ranges::copy_if(parts, std::back_inserter(inside), within);
      if (inside.size() < min_framed) continue;  // an underlined title, a field of a form
      std::erase_if(parts, within);
      framed_.push_back({frame, std::move(inside)});
      TextLine stands_for;
      stands_for.box = frame;
      stands_for.height = usual_;
      stands_for.letter = usual_letter_;
      parts.push_back(std::move(stands_for));
    }
    return parts;
  }

  static bool is_frame(const TextLine& part) { return part.words.empty(); }

  void arrange_frame(const TextLine& frame) {
    const auto same = [&](const Framed& other) {
      return other.box.left == frame.box.left && other.box.top == frame.box.top && other.box.right == frame.box.right &&
             other.box.bottom == frame.box.bottom;
    };
    arrange(std::ranges::find_if(framed_, same)->parts);
  }

  // Cards that stand in rows are read row by row.
  static bool are_cards(const std::vector<Parts>& rows, int height) {
    return std::ranges::all_of(rows, [&](const Parts& row) {
      return std::ranges::all_of(row, [&](const TextLine& part) {
        return is_frame(part) && std::abs(part.box.top - row.front().box.top) <= height;
      });
    });
  }

  void arrange(const Parts& parts) {
    if (parts.empty()) return;
    if (const std::optional<SideColumns> columns = find_side_columns(parts)) {
      for (const Parts* some : {&columns->above, &columns->left, &columns->right, &columns->below}) arrange(*some);
      return;
    }
    for (const Parts& group : groups_of(parts)) {
      const int height = height_of(group);
      std::vector<Span> columns = columns_of(group, min_gutter * height);
      if (columns.size() == 1) {
        add_column(group);
        continue;
      }
      std::vector<Parts> split_parts = split(group, columns);
      const std::vector<Parts> rows = rows_of(group);
      if (std::ranges::any_of(group, is_frame)) {
        if (are_cards(rows, height)) {
          for (const TextLine& card : gathered(rows)) arrange_frame(card);
        } else {
          for (const Parts& column : split_parts) arrange(column);
        }
      } else if (is_list(split_parts, rows, height)) {
        if (rows.size() >= min_table_rows && has_further_cells(rows)) {
          add_table(rows, columns);
        } else {
          add_column(group);
        }
      } else if (const std::vector<Parts> labels = labels_of(rows, columns, height); !labels.empty()) {
        for (const Parts& label : labels) arrange(label);
      } else if (const std::vector<Parts> centred = centred_rows(split_parts, height); !centred.empty()) {
        blocks_.push_back(table_of(centred, columns));
      } else if (const std::vector<Parts> lists = lists_side_by_side(split_parts, height); !lists.empty()) {
        for (const Parts& list : lists) arrange(list);
      } else if (is_table(split_parts, rows, height) && !is_flowing_list(split_parts, height) &&
                 !is_footer(group, split_parts, rows)) {
        add_table(rows, columns);
      } else if (const std::vector<Parts> stretches = parted_by_rules(rows); stretches.size() > 1) {
        for (const Parts& stretch : stretches) arrange(stretch);
      } else {
        // A column by itself may have white that its neighbour hid.
        for (const Parts& column : split_parts) arrange(column);
      }
    }
  }

  // Numbers or bullets in a narrow column on the left, each with its line on the right.
  static bool is_list(const std::vector<Parts>& columns, const std::vector<Parts>& rows, int height) {
    if (columns.size() != 2 || box_of(columns.front()).width() > column_of_numbers * height) return false;
    const auto alone = std::ranges::count_if(rows, [&](const Parts& row) {
      return row.size() == 1 && row.front().box.right <= box_of(columns.front()).right;
    });
    return static_cast<double>(alone) <= max_alone * static_cast<double>(rows.size());
  }

  // Many rows have another cell, though others run across the white before it, as in a programme of hours and places.
  static bool has_further_cells(const std::vector<Parts>& rows) {
    const auto parted = std::ranges::count_if(rows, [](const Parts& row) { return row.size() > 2; });
    return static_cast<double>(parted) > max_parted * static_cast<double>(rows.size());
  }

  void add_table(const std::vector<Parts>& rows, const std::vector<Span>& columns) {
    FoundTable found = make_table(rows, columns);
    if (!found.above.empty()) add_column(std::move(found.above));
    blocks_.push_back(std::move(found.table));
    if (!found.below.empty()) add_column(std::move(found.below));
  }

  // Rows between rules that run across most of their width, as below the head of a newspaper.
  std::vector<Parts> parted_by_rules(const std::vector<Parts>& rows) const {
    std::vector<Parts> stretches;
    PixelBox before;
    for (const Parts& row : rows) {
      const PixelBox box = box_of(row);
      const auto parts = [&](const PixelBox& rule) {
        const int left = std::min(before.left, box.left), right = std::max(before.right, box.right);
        const int covered = std::min(right, rule.right) - std::max(left, rule.left);
        return rule.middle() >= before.bottom && rule.middle() <= box.top &&
               covered >= min_parting_rule * (right - left);
      };
      if (stretches.empty() || std::ranges::any_of(rules_, parts)) {
        stretches.emplace_back();
        before = box;
      }
      stretches.back().insert(stretches.back().end(), row.begin(), row.end());
      before.include(box);
    }
    return stretches;
  }

  // Small print in columns at the foot of the page: addresses, hours, accounts, each read by itself.
  bool is_footer(const Parts& group, const std::vector<Parts>& columns, const std::vector<Parts>& rows) const {
    const int height = tall_height(group);
    const bool wide = std::ranges::all_of(
        columns, [&](const Parts& column) { return box_of(column).width() >= min_footer_column * height; });
    const bool tight = rows.size() > 1 && box_of(rows.back()).middle() - box_of(rows.front()).middle() <=
                                              max_footer_step * height * static_cast<double>(rows.size() - 1);
    return box_of(group).bottom == bottom_ && rows.size() <= max_footer_rows && wide && tight &&
           height <= max_small_print * tall_;
  }

  // Lines under each other, and frames.
  void add_column(Parts parts) {
    std::ranges::stable_sort(parts, {}, [](const TextLine& part) { return part.box.middle(); });
    Parts lines;
    for (TextLine& part : parts) {
      if (!is_frame(part)) {
        lines.push_back(std::move(part));
        continue;
      }
      if (!lines.empty()) add_lines(std::exchange(lines, {}));
      arrange_frame(part);
    }
    if (!lines.empty()) add_lines(lines);
  }

  // Lines below each other, divided into blocks by white, indentation and size.
  void add_lines(const Parts& parts) {
    Parts lines = whole_lines(parts);
    const PixelBox column = box_of(lines);
    TextBlock block;
    const auto finish = [&] {
      if (block.lines.empty()) return;
      block.box = box_of(block.lines);
      const bool tall = std::ranges::all_of(block.lines, [&](const TextLine& line) { return is_tall(line); });
      block.kind = tall && block.lines.size() <= max_title_lines ? BlockKind::title : BlockKind::text;
      blocks_.push_back(std::move(block));
      block = {};
    };
    const int pitch = pitch_of(lines);
    for (TextLine& line : lines) {
      if (!block.lines.empty()) {
        const TextLine& before = block.lines.back();
        const int white = line.box.top - before.box.bottom, height = std::min(line.height, before.height);
        const int step = line.box.middle() - before.box.middle();
        const bool titles = height >= title_height * usual_;
        const bool resized = std::max(line.height, before.height) > (titles ? title_height : max_resize) * height ||
                             is_larger(line, before) || is_larger(before, line);
        const bool apart = pitch > 0 ? step > max_pitch * pitch : white > paragraph_gap * height;
        const bool ended = before.box.right < column.right - 2.5 * height;
        const bool indented = line.box.left > block_left(block, before) + indent * height;
        // In monospaced print, such as code, the meaning of an indentation is known only after lines are read.
        const bool typed = line.pitch > 0 && before.pitch > 0;
        if (resized || apart || (indented && ended && !typed)) {
          finish();
        }
      }
      block.lines.push_back(std::move(line));
    }
    finish();
  }

  // As lines of titles are.
  bool is_tall(const TextLine& line) const {
    return (line.height >= title_height * usual_ && line.letter >= min_title_letter * usual_letter_) ||
           (line.letter > title_letter * usual_letter_ && line.height >= min_title_line * usual_);
  }

  // Most frequent distance from line to line; 0 if there are too few lines.
  static int pitch_of(const Parts& lines) {
    std::vector<int> steps;
    for (size_t i = 1; i < lines.size(); ++i) steps.push_back(lines[i].box.middle() - lines[i - 1].box.middle());
    if (steps.size() < 3) return 0;
    const int pitch = quantile(std::move(steps), 1, 3);
    return pitch <= max_line_pitch * height_of(lines) ? pitch : 0;
  }

  static int block_left(const TextBlock& block, const TextLine& before) {
    return block.lines.size() > 1 ? before.box.left : block.lines.front().box.left;
  }

  int usual_, usual_letter_;
  int bottom_ = 0, tall_ = 0;  // the foot of the page's text, and the height of its lines with tall and low letters
  std::vector<Framed> framed_;
  std::span<const PixelBox> rules_;
  std::vector<TextBlock> blocks_;
};

}  // namespace

std::vector<TextBlock> arrange(const std::vector<TextLine>& parts, std::span<const PixelBox> rules,
                               std::span<const PixelBox> frames) {
  return Arranger(parts, rules, frames).blocks();
}

}  // namespace lectern
