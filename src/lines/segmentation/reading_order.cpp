#include "lines/segmentation/reading_order.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <span>

#include "lines/segmentation/part_grid.h"

namespace lectern {
namespace {

// In heights of a line.
constexpr double min_gutter = 0.6;         // white between columns
constexpr double column_of_numbers = 3.5;  // "1.", "a)", bullets: part of the line beside them
constexpr double max_alone = 0.25;         // of the numbers of a list: empty lines of a program
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
constexpr double max_white_in_columns = 2.5, max_white_in_table = 4.5;
// Of a column that goes on below a picture so high.
constexpr double max_picture = 14, min_text_width = 18;
constexpr size_t min_text_lines = 8;
constexpr double max_off_edge = 0.5;           // of cells that stand under each other
constexpr double max_white_below_first = 1.2;  // a single line of distant parts is a heading of the page
constexpr size_t max_title_lines = 3;
constexpr double min_row_white = 0.7, max_line_white = 0.45;  // between rows of a table, and lines of one cell,
constexpr double max_line_share = 0.5;                        // of the white between rows
constexpr double min_white_of_note = 1;                       // between a table and what is written below it
constexpr double min_parting_rule = 0.7;                      // of the width that a rule parts

// Whether all parts of a row stand under those of another, by their left or their right edges.
bool in_same_columns(const Parts& row, const Parts& above) {
  const auto stands_under = [&](const TextLine& part) {
    return std::ranges::any_of(above, [&](const TextLine& other) {
      const double edge = max_off_edge * std::max(part.height, other.height);
      return std::abs(part.box.left - other.box.left) <= edge || std::abs(part.box.right - other.box.right) <= edge;
    });
  };
  return row.size() > 1 && std::ranges::all_of(row, stands_under);
}

Parts with(Parts parts, const Parts& more) {
  parts.insert(parts.end(), more.begin(), more.end());
  return parts;
}

Parts all_of(std::span<const Parts> bands) {
  Parts all;
  for (const Parts& band : bands) all.insert(all.end(), band.begin(), band.end());
  return all;
}

int usual_letter(const Parts& parts) {
  std::vector<int> letters;
  for (const TextLine& part : parts) letters.push_back(part.letter);
  std::ranges::sort(letters);
  return letters.empty() ? 0 : letters[letters.size() / 2];
}

// Whether the letters of a line tell its size: there are taller ones than most, so most are small ones, and no figures.
bool tells_size(const TextLine& line) { return line.letter <= max_small_letter * line.height; }

// Whether a line is set larger than another.
bool is_larger(const TextLine& line, const TextLine& than) {
  return tells_size(line) && tells_size(than) && line.letter > max_letter_resize * than.letter &&
         line.letter >= than.letter + min_resize && line.height > max_line_resize * than.height;
}

class Arranger {
 public:
  Arranger(const Parts& parts, std::span<const PixelBox> rules)
      : usual_(height_of(parts)), usual_letter_(usual_letter(parts)), rules_(rules) {
    arrange(parts);
  }
  std::vector<TextBlock> blocks() && { return std::move(blocks_); }

 private:
  void arrange(const Parts& parts) {
    if (parts.empty()) return;
    for (const Parts& group : groups_of(parts)) {
      const int height = height_of(group);
      std::vector<Span> columns = columns_of(group, min_gutter * height);
      if (columns.size() == 1) {
        add_column(group);
        continue;
      }
      std::vector<Parts> split_parts = split(group, columns);
      const std::vector<Parts> rows = rows_of(group);
      if (is_list(split_parts, rows, height)) {
        add_column(group);
      } else if (is_table(split_parts, rows, height)) {
        add_table(rows, columns);
      } else if (const std::vector<Parts> stretches = parted_by_rules(rows); stretches.size() > 1) {
        for (const Parts& stretch : stretches) arrange(stretch);
      } else {
        for (const Parts& column : split_parts) {
          // A column by itself may have white that its neighbour hid.
          if (column.size() < parts.size()) arrange(column);
        }
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

  // Groups from the top: lines that stand in the same columns, or in none.
  static std::vector<Parts> groups_of(Parts parts) {
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
        const Parts above = all_of(group);
        // A line over the whole width, or a wide gap before it, ends a group with columns.
        const int white = box_of(band).top - box_of(above).bottom;
        const double most = alone && group.size() == 1            ? max_white_below_first
                            : in_same_columns(band, group.back()) ? max_white_in_table
                                                                  : max_white_in_columns;
        const bool near = white < most * height_of(band) || (alone && is_below_text(band, above, gap, white));
        bool stay = parted && near && !(alone && crosses(band, above, gap));
        if (stay && columns_of(with(above, band), gap).size() == 1) {
          // The head of a page may stand over the white between its columns.
          const Parts text = with(all_of(std::span(group).subspan(1)), band);
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
      parted = !alone;
      groups.push_back({std::move(band)});
    }
    std::vector<Parts> all;
    all.reserve(groups.size());
    for (const std::vector<Parts>& group : groups) all.push_back(all_of(group));
    return all;
  }

  // Rows between rules that go over most of their width, as below the head of a newspaper.
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

  // Whether a column of running text goes on behind white, as of a picture.
  static bool is_below_text(const Parts& band, const Parts& group, double gap, int white) {
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

  static bool crosses(const Parts& band, const Parts& group, double gap) {
    const PixelBox box = box_of(band);
    const std::vector<Span> columns = columns_of(group, gap);
    for (size_t i = 1; i < columns.size(); ++i) {
      if (box.left < columns[i - 1].last - gap && box.right > columns[i].first + gap) return true;
    }
    return false;
  }

  // A heading over the first column or a note below a table stands in it by chance.
  static bool stands_apart(const Parts& row, const Parts& table_row, const std::vector<Span>& columns) {
    if (row.size() > 1 || row.front().box.left >= columns[1].first) return false;
    const PixelBox box = box_of(row), other = box_of(table_row);
    const int white = std::max(box.top - other.bottom, other.top - box.bottom);
    return white >= min_white_of_note * row.front().height;
  }

  void add_table(std::vector<Parts> rows, const std::vector<Span>& columns) {
    Parts above, below;
    while (rows.size() > min_table_rows && stands_apart(rows.front(), rows[1], columns)) {
      above.push_back(rows.front().front());
      rows.erase(rows.begin());
    }
    while (rows.size() > min_table_rows && stands_apart(rows.back(), rows[rows.size() - 2], columns)) {
      below.insert(below.begin(), rows.back().front());
      rows.pop_back();
    }
    if (!above.empty()) add_column(above);
    add_rows(rows_of_cells(std::move(rows)), columns);
    if (!below.empty()) add_column(below);
  }

  // Where rows stand apart, lines that do not are further lines of the cells above them.
  static std::vector<Parts> rows_of_cells(std::vector<Parts> rows) {
    std::vector<int> whites;
    for (size_t i = 1; i < rows.size(); ++i) whites.push_back(box_of(rows[i]).top - box_of(rows[i - 1]).bottom);
    std::vector<int> sorted = whites;
    std::ranges::sort(sorted);
    Parts all;
    for (const Parts& row : rows) all.insert(all.end(), row.begin(), row.end());
    const double height = height_of(all);
    const double usual = sorted.empty() ? 0 : sorted[sorted.size() / 2];
    if (usual < min_row_white * height) return rows;
    std::vector<Parts> cells = {std::move(rows.front())};
    for (size_t i = 1; i < rows.size(); ++i) {
      if (whites[i - 1] <= std::min(max_line_white * height, max_line_share * usual)) {
        cells.back().insert(cells.back().end(), rows[i].begin(), rows[i].end());
      } else {
        cells.push_back(std::move(rows[i]));
      }
    }
    return cells;
  }

  void add_rows(const std::vector<Parts>& rows, const std::vector<Span>& columns) {
    TextBlock block;
    block.kind = BlockKind::table;
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<Parts> cells = split(rows[r], columns);
      for (size_t column = 0; column < cells.size(); ++column) {
        std::ranges::stable_sort(cells[column], {}, [](const TextLine& part) { return part.box.middle(); });
        for (const Parts& line : rows_of(cells[column])) {
          for (const TextLine& part : line) {
            block.lines.push_back(part);
            block.cells.push_back({static_cast<int>(r), static_cast<int>(column)});
          }
        }
      }
    }
    block.box = box_of(block.lines);
    blocks_.push_back(std::move(block));
  }

  // Lines under each other, parted into blocks where white, indentation or size says so.
  void add_column(const Parts& parts) {
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
        // In what a typewriter sets, code among it, lines are read before it is known what an indentation means.
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

  // From line to line, as most are set; 0 where there are too few to tell.
  static int pitch_of(const Parts& lines) {
    std::vector<int> steps;
    for (size_t i = 1; i < lines.size(); ++i) steps.push_back(lines[i].box.middle() - lines[i - 1].box.middle());
    if (steps.size() < 3) return 0;
    std::ranges::sort(steps);
    const int pitch = steps[steps.size() / 3];
    return pitch <= max_line_pitch * height_of(lines) ? pitch : 0;
  }

  static int block_left(const TextBlock& block, const TextLine& before) {
    return block.lines.size() > 1 ? before.box.left : block.lines.front().box.left;
  }

  int usual_, usual_letter_;
  std::span<const PixelBox> rules_;
  std::vector<TextBlock> blocks_;
};

}  // namespace

std::vector<TextBlock> arrange(const std::vector<TextLine>& parts, std::span<const PixelBox> rules) {
  return Arranger(parts, rules).blocks();
}

}  // namespace lectern
