#include "layout/word_boxes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "layout/markup.h"
#include "layout/text/block_text.h"
#include "layout/text/formula_text.h"
#include "layout/text/text_tree.h"
#include "layout/word_wrap.h"

namespace lectern {
namespace {

constexpr size_t max_boxes = 64;         // that a block's text is spread over
constexpr double max_cell_letters = 30;  // beyond, the text of a cell is taken to have several lines
constexpr double column_gap = 2;         // in letters

// A table's columns and rows: columns as wide as their longest cell asks for, rows as high as their lines.
class TablePlaces {
 public:
  TablePlaces(const std::vector<TableRow>& rows, const Box& area)
      : rows_(rows), area_(area), columns_(cell_columns(rows)) {
    for (const TableRow& row : rows) {
      std::vector<std::vector<Word>>& cells = words_.emplace_back();
      for (const TableCell& cell : row.cells) cells.push_back(words_of(plain_text(cell.runs)));
    }
    measure_columns();
    measure_rows();
  }

  double lines() const { return tops_.back(); }

  // Where the ink shows as many lines as the rows have, rows stand there.
  PlacedText place(const PageInk* ink) const {
    PlacedText placed{area_, {}};
    const std::vector<Box> found = ink == nullptr ? std::vector<Box>() : ink->lines(area_);
    const bool known = found.size() == static_cast<size_t>(tops_.back());
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
        if (words_[r][c].empty()) continue;
        const Box cell = box_of(r, c);
        Box box = cell;
        if (known) {
          box.top = found[static_cast<size_t>(tops_[r])].top;
          box.bottom = found[static_cast<size_t>(tops_[r + 1]) - 1].bottom;
        }
        const double letter = letter_width * (area_.bottom - area_.top) / tops_.back() * 1.5;
        for (const PlacedText& text : wrap_words(words_[r][c], {box}, nullptr, letter)) {
          placed.lines.insert(placed.lines.end(), text.lines.begin(), text.lines.end());
        }
      }
    }
    return placed;
  }

 private:
  size_t column_count() const { return lefts_.size() - 1; }

  size_t end_column(size_t r, size_t c) const {
    const size_t begin = columns_[r][c], span = static_cast<size_t>(rows_[r].cells[c].column_span);
    return begin + (begin + span > max_aligned_columns ? 1 : span);
  }

  void measure_columns() {
    size_t count = 1;
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) count = std::max(count, end_column(r, c));
    }
    std::vector<double> widths(count, 1);
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
        if (end_column(r, c) != columns_[r][c] + 1) continue;
        double& width = widths[columns_[r][c]];
        width = std::max(width, std::min(letters_of(words_[r][c]), max_cell_letters));
      }
    }
    lefts_ = {0};
    for (const double width : widths) lefts_.push_back(lefts_.back() + width + column_gap);
  }

  void measure_rows() {
    tops_ = {0};
    for (size_t r = 0; r < rows_.size(); ++r) {
      double lines = 1;
      for (size_t c = 0; c < rows_[r].cells.size(); ++c) {
        if (rows_[r].cells[c].row_span > 1) continue;
        double written = 1;
        for (const Word& word : words_[r][c]) written += word.new_line ? 1 : 0;
        const double width = lefts_[end_column(r, c)] - lefts_[columns_[r][c]];
        lines = std::max({lines, written, std::ceil(letters_of(words_[r][c]) / width)});
      }
      tops_.push_back(tops_.back() + lines);
    }
  }

  Box box_of(size_t r, size_t c) const {
    const double x = (area_.right - area_.left) / lefts_.back(), y = (area_.bottom - area_.top) / tops_.back();
    const size_t end = std::min(r + static_cast<size_t>(rows_[r].cells[c].row_span), rows_.size());
    const double gap = column_gap / 2 * x;
    return {area_.left + lefts_[columns_[r][c]] * x + gap, area_.top + tops_[r] * y,
            area_.left + lefts_[end_column(r, c)] * x - gap, area_.top + tops_[end] * y};
  }

  const std::vector<TableRow>& rows_;
  const Box area_;
  const std::vector<std::vector<size_t>> columns_;
  std::vector<std::vector<std::vector<Word>>> words_;  // of each cell of each row
  std::vector<double> lefts_;                          // of the columns, in letters, and their end
  std::vector<double> tops_;                           // of the rows, in lines, and their end
};

// Text and tables from the top to the bottom of the area, each as high as its lines.
std::vector<PlacedText> place_elements(const TextTree& tree, const Box& area, const PageInk* ink) {
  struct Part {
    std::vector<Word> words;  // of text
    const TextElement* table = nullptr;
    double lines = 1;
  };
  std::vector<Part> parts;
  double total = 0;
  for (const TextElement& element : tree) {
    Part part;
    if (element.kind == TextElement::Kind::table) {
      if (is_empty(element.rows)) continue;
      part.table = &element;
      part.lines = TablePlaces(element.rows, area).lines();
    } else {
      part.words = words_of(element.prefix + plain_text(element.runs));
      if (part.words.empty()) continue;
      for (const Word& word : part.words) part.lines += word.new_line ? 1 : 0;
    }
    total += part.lines;
    parts.push_back(std::move(part));
  }
  std::vector<PlacedText> placed;
  double line = 0;
  for (const Part& part : parts) {
    const double height = (area.bottom - area.top) / total;
    const Box box{area.left, area.top + line * height, area.right, area.top + (line + part.lines) * height};
    line += part.lines;
    if (part.table != nullptr) {
      placed.push_back(TablePlaces(part.table->rows, box).place(ink));
      continue;
    }
    for (PlacedText& text : wrap_words(part.words, {box}, ink)) placed.push_back(std::move(text));
  }
  return placed;
}

Box around(const Box& a, const Box& b) {
  return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

// Puts the words of spans where their own boxes are.
void move_spans(const Block& block, std::vector<PlacedText>& placed) {
  struct Place {
    PlacedText* text;
    PlacedLine* line;
    PlacedWord* word;
  };
  std::vector<Place> words;
  for (PlacedText& text : placed) {
    for (PlacedLine& line : text.lines) {
      for (PlacedWord& word : line.words) words.push_back({&text, &line, &word});
    }
  }
  size_t next = 0;
  for (const TextSpan& span : block.spans) {
    const std::vector<Word> own = words_of(block.text.substr(span.begin, span.end - span.begin));
    if (own.empty() || span.boxes.empty()) continue;
    std::vector<PlacedWord> moved;
    for (const PlacedText& text : wrap_words(own, span.boxes, nullptr)) {
      for (const PlacedLine& line : text.lines) moved.insert(moved.end(), line.words.begin(), line.words.end());
    }
    const auto stands_at = [&](size_t at) {
      for (size_t i = 0; i < moved.size(); ++i) {
        if (at + i >= words.size() || words[at + i].word->text.find(moved[i].text) == std::string::npos) return false;
      }
      return true;
    };
    size_t at = next;
    while (at < words.size() && !stands_at(at)) ++at;
    if (at == words.size()) continue;
    for (size_t i = 0; i < moved.size(); ++i) {
      const Place& place = words[at + i];
      place.word->box = moved[i].box;
      place.line->box = around(place.line->box, moved[i].box);
      place.text->box = around(place.text->box, moved[i].box);
    }
    next = at + moved.size();
  }
}

// Turns a quarter to the right, so that what runs upward runs to the right; and back.
Box turned(const Box& box) { return {-box.bottom, box.left, -box.top, box.right}; }
Box turned_back(const Box& box) { return {box.top, -box.right, box.bottom, -box.left}; }

// Text without tables; upward where the boxes are too narrow for it.
std::vector<PlacedText> place_text(const std::vector<Word>& words, std::vector<Box> boxes, const PageInk* ink) {
  if (words.empty()) return {};
  if (!runs_upward(boxes, words)) return wrap_words(words, boxes, ink);
  std::ranges::transform(boxes, boxes.begin(), turned);
  std::vector<PlacedText> placed = wrap_words(words, boxes, nullptr);
  for (PlacedText& text : placed) {
    text.box = turned_back(text.box);
    for (PlacedLine& line : text.lines) {
      line.upward = true;
      line.box = turned_back(line.box);
      for (PlacedWord& word : line.words) word.box = turned_back(word.box);
    }
  }
  return placed;
}

void clamp(Box& box, const Box& page) {
  box = {std::clamp(box.left, page.left, page.right), std::clamp(box.top, page.top, page.bottom),
         std::clamp(box.right, page.left, page.right), std::clamp(box.bottom, page.top, page.bottom)};
}

// Lines and words where they were found.
std::vector<PlacedText> measured(const Block& block, const Box& page) {
  PlacedText text;
  text.box = block.boxes.empty() ? page : block.boxes.front();
  clamp(text.box, page);
  for (const PageLine& line : block.lines) {
    PlacedLine& placed = text.lines.emplace_back();
    placed.box = line.box;
    clamp(placed.box, page);
    for (const PageWord& word : line.words) {
      PlacedWord& at = placed.words.emplace_back();
      at.text = word.text;
      at.box = word.box;
      at.confidence = word.confidence;
      clamp(at.box, page);
    }
  }
  std::erase_if(text.lines, [](const PlacedLine& line) { return line.words.empty(); });
  return {std::move(text)};
}

}  // namespace

std::vector<PlacedText> place_words(const Block& block, const Box& page, const PageInk* ink) {
  if (!block.lines.empty()) return measured(block, page);
  std::vector<Box> boxes = block.boxes;
  if (boxes.empty()) boxes = {page};
  boxes.resize(std::min(boxes.size(), max_boxes));
  TextTree tree = parse_text(block);
  print_formulas(tree);
  const bool table = std::ranges::any_of(tree, [](const TextElement& e) { return e.kind == TextElement::Kind::table; });
  std::vector<PlacedText> placed;
  if (table) {
    Box area = boxes.front();
    for (const Box& box : boxes) area = around(area, box);
    placed = place_elements(tree, area, ink);
  } else {
    placed = place_text(words_of(plain_text(tree)), std::move(boxes), block.boxes.empty() ? nullptr : ink);
  }
  if (!block.spans.empty()) move_spans(block, placed);
  for (PlacedText& text : placed) {
    clamp(text.box, page);
    for (PlacedLine& line : text.lines) {
      clamp(line.box, page);
      for (PlacedWord& word : line.words) clamp(word.box, page);
    }
  }
  return placed;
}

}  // namespace lectern
