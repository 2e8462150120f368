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
#include "layout/text/visual_order.h"

namespace lectern {
namespace {

// Of a narrow letter, to the distance of two lines: letters are about half as wide as a font is high, and lines are
// a quarter further apart than that.
constexpr double letter_width = 0.4;
constexpr size_t max_boxes = 64;         // that a block's text is spread over
constexpr double max_cell_letters = 30;  // beyond, the text of a cell is taken to have several lines
constexpr double column_gap = 2;         // in letters
constexpr int search_steps = 30;

struct Word {
  std::string text;
  double width = 0;                      // in narrow letters
  bool space = false, new_line = false;  // before it
};

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || (c >= 0x2000 && c <= 0x200B) || c == 0x3000;
}

// Lines may break before and behind wide characters too.
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  bool begins = true, space = false, new_line = false;
  for (const char32_t c : characters_of(text)) {
    if (is_space(c)) {
      begins = space = true;
      new_line |= c == '\n';
      continue;
    }
    const bool wide = is_wide(c);
    if (begins || wide) {
      words.push_back({"", 0, space && !words.empty(), new_line && !words.empty()});
      space = new_line = false;
    }
    words.back().text += utf8_of(c);
    words.back().width += wide ? 2 : 1;
    begins = wide;
  }
  return words;
}

struct Slot {
  size_t box;
  double width;  // in pixels
  Box line{};    // where it is known
};

// The distance of two lines at which letters of usual shape fill the boxes.
double pitch_of(const std::vector<Box>& boxes, const std::vector<Word>& words) {
  double letters = 0, area = 0;
  for (const Word& word : words) letters += word.width + (word.space ? 1 : 0);
  for (const Box& box : boxes) area += (box.right - box.left) * (box.bottom - box.top);
  return std::sqrt(area / (letter_width * letters));
}

bool run_upward(const std::vector<Box>& boxes, const std::vector<Word>& words) {
  const double longest =
      std::ranges::max_element(words, {}, &Word::width)->width * letter_width * pitch_of(boxes, words);
  return std::ranges::all_of(boxes, [&](const Box& box) {
    const double width = box.right - box.left;
    return box.bottom - box.top > 2 * width && longest > 1.3 * width;
  });
}

// Turns a quarter to the right, so that what runs upward runs to the right; and back.
Box turned(const Box& box) { return {-box.bottom, box.left, -box.top, box.right}; }
Box turned_back(const Box& box) { return {box.top, -box.right, box.bottom, -box.left}; }

// How many lines each box holds.
std::vector<Slot> slots_of(const std::vector<Box>& boxes, const std::vector<Word>& words) {
  double height = 0;
  size_t written_lines = 1;
  for (const Word& word : words) written_lines += word.new_line ? 1 : 0;
  for (const Box& box : boxes) height += box.bottom - box.top;
  const double pitch = pitch_of(boxes, words);
  std::vector<size_t> counts;
  size_t total = 0;
  for (const Box& box : boxes) {
    counts.push_back(static_cast<size_t>(std::max(1.0, std::round((box.bottom - box.top) / pitch))));
    total += counts.back();
  }
  std::vector<Slot> slots;
  const double missing = written_lines > total ? static_cast<double>(written_lines - total) : 0;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const double share = (boxes[i].bottom - boxes[i].top) / height;
    counts[i] += static_cast<size_t>(std::ceil(missing * share));
    slots.insert(slots.end(), counts[i], Slot{i, boxes[i].right - boxes[i].left});
  }
  return slots;
}

// The slot of each word when a pixel holds so many letters; empty when the slots do not suffice.
std::vector<size_t> fill(const std::vector<Slot>& slots, const std::vector<Word>& words, double letters_per_pixel) {
  std::vector<size_t> places;
  places.reserve(words.size());
  size_t slot = 0;
  double used = 0;
  for (const Word& word : words) {
    const double more = word.width + (word.space && used > 0 ? 1 : 0);
    if (used > 0 && (word.new_line || used + more > slots[slot].width * letters_per_pixel + 1e-9)) {
      if (++slot == slots.size()) return {};
      used = 0;
    }
    used += used > 0 ? more : word.width;
    places.push_back(slot);
  }
  return places;
}

// The roomiest letters at which everything fits.
std::pair<std::vector<size_t>, double> fit(const std::vector<Slot>& slots, const std::vector<Word>& words) {
  double letters = 0;
  for (const Word& word : words) letters += word.width + 1;
  const double narrowest = std::ranges::min_element(slots, {}, &Slot::width)->width;
  double low = 0, high = letters / narrowest;  // at `high` every written line fits into one slot
  std::vector<size_t> places = fill(slots, words, high);
  for (int step = 0; step < search_steps; ++step) {
    const double middle = (low + high) / 2;
    std::vector<size_t> tried = fill(slots, words, middle);
    if (tried.empty()) {
      low = middle;
    } else {
      high = middle;
      places = std::move(tried);
    }
  }
  return {std::move(places), high};
}

// Words [first, last) within the line, in their order on the page. Letters are as wide as they may be; a line from
// right to left begins at the right.
PlacedLine place_line(std::span<const Word> words, const Box& line, double letter) {
  std::u32string text;
  std::vector<size_t> owners;  // of each character: which placed word it belongs to
  PlacedLine placed{line, false, {}};
  double letters = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool space = words[i].space && i > 0;
    if (space) {
      text += U' ';
      owners.push_back(SIZE_MAX);
      letters += 1;
    }
    if (i == 0 || space) placed.words.push_back({});
    placed.words.back().text += words[i].text;
    for (const char32_t c : characters_of(words[i].text)) {
      text += c;
      owners.push_back(placed.words.size() - 1);
    }
    letters += words[i].width;
  }
  letter = std::min(letter, (line.right - line.left) / letters);
  const VisualOrder order = visual_order(text);
  double at = order.right_to_left ? line.right - letters * letter : line.left;
  std::vector<bool> begun(placed.words.size());
  for (const size_t i : order.logical) {
    const double end = std::min(at + (is_wide(text[i]) ? 2 : 1) * letter, line.right);
    if (owners[i] != SIZE_MAX) {
      PlacedWord& word = placed.words[owners[i]];
      if (!begun[owners[i]]) word.box = {at, line.top, end, line.bottom};
      begun[owners[i]] = true;
      word.box.right = end;
      word.visual += utf8_of(text[i]);
    }
    at = end;
  }
  for (PlacedWord& word : placed.words) {
    if (word.visual == word.text) word.visual.clear();
  }
  return placed;
}

// The lines that the ink shows, where they are about as many as letters of a usual shape would fill.
std::vector<Slot> slots_in_ink(const std::vector<Box>& boxes, const std::vector<Word>& words, const PageInk& ink) {
  size_t written_lines = 1;
  for (const Word& word : words) written_lines += word.new_line ? 1 : 0;
  const size_t usual = slots_of(boxes, words).size();
  std::vector<Slot> slots;
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (const Box& line : ink.lines(boxes[i])) slots.push_back({i, line.right - line.left, line});
  }
  const bool fitting = slots.size() >= written_lines && slots.size() <= 3 * usual + 1 &&
                       usual <= 3 * slots.size() + 1 && slots.size() <= words.size();
  return fitting ? slots : std::vector<Slot>();
}

std::vector<PlacedText> lay_out(const std::vector<Word>& words, const std::vector<Box>& boxes, const PageInk* ink,
                                double max_letter = 1e9) {
  std::vector<Slot> slots = ink == nullptr ? std::vector<Slot>() : slots_in_ink(boxes, words, *ink);
  const bool known = !slots.empty();
  if (!known) slots = slots_of(boxes, words);
  const auto [places, letters_per_pixel] = fit(slots, words);

  std::vector<size_t> lines(boxes.size());  // used
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == 0 || places[i] != places[i - 1]) ++lines[slots[places[i]].box];
  }
  std::vector<PlacedText> placed;
  size_t last_box = boxes.size();
  for (size_t first = 0; first < words.size();) {
    size_t last = first + 1;
    while (last < words.size() && places[last] == places[first]) ++last;
    const Slot& slot = slots[places[first]];
    const Box& box = boxes[slot.box];
    if (slot.box != last_box) placed.push_back({box, {}});
    last_box = slot.box;
    std::vector<PlacedLine>& rows = placed.back().lines;
    const double height = (box.bottom - box.top) / static_cast<double>(lines[slot.box]);
    const double top = box.top + height * static_cast<double>(rows.size());
    const Box line = known ? slot.line : Box{box.left, top, box.right, top + height};
    // A line of ink is as wide as its words.
    const double letter = known ? 1e9 : std::min(1 / letters_per_pixel, max_letter);
    rows.push_back(place_line(std::span(words).subspan(first, last - first), line, letter));
    first = last;
  }
  return placed;
}

double letters_of(const std::vector<Word>& words) {
  double letters = 0;
  for (const Word& word : words) letters += word.width + (word.space ? 1 : 0);
  return letters;
}

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
        for (const PlacedText& text : lay_out(words_[r][c], {box}, nullptr, letter)) {
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
    for (PlacedText& text : lay_out(part.words, {box}, ink)) placed.push_back(std::move(text));
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
    for (const PlacedText& text : lay_out(own, span.boxes, nullptr)) {
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

// Text without tables; upward where the boxes are too narrow for it.
std::vector<PlacedText> place_text(const std::vector<Word>& words, std::vector<Box> boxes, const PageInk* ink) {
  if (words.empty()) return {};
  if (!run_upward(boxes, words)) return lay_out(words, boxes, ink);
  std::ranges::transform(boxes, boxes.begin(), turned);
  std::vector<PlacedText> placed = lay_out(words, boxes, nullptr);
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
