#include "layout/word_boxes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "layout/block_text.h"
#include "layout/markup.h"

namespace lectern {
namespace {

// Of a narrow letter, to the distance of two lines: letters are about half as wide as a font is high, and lines are
// a quarter further apart than that.
constexpr double letter_width = 0.4;
constexpr size_t most_boxes = 64;  // that a block's text is spread over
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

// Words [first, last) from the left of the line.
PlacedLine place_line(const std::vector<Word>& words, size_t first, size_t last, const Box& line, double letter) {
  double letters = 0;
  for (size_t i = first; i < last; ++i) letters += words[i].width + (words[i].space && i > first ? 1 : 0);
  letter = std::min(letter, (line.right - line.left) / letters);
  PlacedLine placed{line, false, {}};
  double at = line.left;
  for (size_t i = first; i < last; ++i) {
    if (words[i].space && i > first) at += letter;
    const double end = std::min(at + words[i].width * letter, line.right);
    if (i > first && !words[i].space) {
      placed.words.back().text += words[i].text;
      placed.words.back().box.right = end;
    } else {
      placed.words.push_back({words[i].text, {at, line.top, end, line.bottom}});
    }
    at = end;
  }
  return placed;
}

std::vector<PlacedText> lay_out(const std::vector<Word>& words, const std::vector<Box>& boxes) {
  const std::vector<Slot> slots = slots_of(boxes, words);
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
    const size_t index = slots[places[first]].box;
    const Box& box = boxes[index];
    if (index != last_box) placed.push_back({box, {}});
    last_box = index;
    std::vector<PlacedLine>& rows = placed.back().lines;
    const double height = (box.bottom - box.top) / static_cast<double>(lines[index]);
    const double top = box.top + height * static_cast<double>(rows.size());
    rows.push_back(place_line(words, first, last, {box.left, top, box.right, top + height}, 1 / letters_per_pixel));
    first = last;
  }
  return placed;
}

}  // namespace

std::vector<PlacedText> place_words(const Block& block, const Box& page) {
  const std::vector<Word> words = words_of(plain_text(block));
  if (words.empty()) return {};
  std::vector<Box> boxes = block.boxes;
  if (boxes.empty()) boxes = {page};
  boxes.resize(std::min(boxes.size(), most_boxes));
  if (!run_upward(boxes, words)) return lay_out(words, boxes);

  std::ranges::transform(boxes, boxes.begin(), turned);
  std::vector<PlacedText> placed = lay_out(words, boxes);
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

}  // namespace lectern
