#include "layout/word_wrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "layout/markup.h"
#include "layout/text/visual_order.h"

namespace lectern {
namespace {

constexpr int search_steps = 30;

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || (c >= 0x2000 && c <= 0x200B) || c == 0x3000;
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

}  // namespace

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

double letters_of(const std::vector<Word>& words) {
  double letters = 0;
  for (const Word& word : words) letters += word.width + (word.space ? 1 : 0);
  return letters;
}

bool runs_upward(const std::vector<Box>& boxes, const std::vector<Word>& words) {
  const double longest =
      std::ranges::max_element(words, {}, &Word::width)->width * letter_width * pitch_of(boxes, words);
  return std::ranges::all_of(boxes, [&](const Box& box) {
    const double width = box.right - box.left;
    return box.bottom - box.top > 2 * width && longest > 1.3 * width;
  });
}

std::vector<PlacedText> wrap_words(const std::vector<Word>& words, const std::vector<Box>& boxes, const PageInk* ink,
                                   double max_letter) {
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

}  // namespace lectern
