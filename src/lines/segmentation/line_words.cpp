#include "lines/segmentation/line_words.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/quantile.h"

namespace lectern {
namespace {

// In heights of the line, from tall letters to low ones.
constexpr double min_word_gap = 0.2;   // between words
constexpr double max_word_gap = 0.45;  // separates words even if letters are set wide
constexpr double letter_width = 0.5;   // of most fonts, with the gap beside it
constexpr double min_letter = 0.4;     // a lower one is a mark
constexpr double min_word_gap_of_touching = 0.14;
constexpr double min_blurred_gap = 2.5;  // pixels: noise may part letters by less
// Letters of one width: so many at least, the steps between them so far off a whole number, so many of the steps;
// the width, in heights of the line; white between words, in widths.
constexpr size_t min_typed = 8;
constexpr double max_off_pitch = 0.2, min_typed_share = 0.9, max_pitch = 0.9, typed_gap = 0.85;
constexpr double min_known_share = 0.7;              // of the steps, where other lines have told the width
constexpr double max_single = 1.2, max_quote = 0.7;  // of the width: wider are letters that touch, narrower one sign

// Letters that touch or overlap seen from above, as one.
std::vector<PixelBox> runs_of(std::span<const PixelBox> letters) {
  std::vector<PixelBox> runs;
  for (const PixelBox& letter : letters) {
    if (runs.empty() || letter.left > runs.back().right) {
      runs.push_back(letter);
    } else {
      runs.back().include(letter);
    }
  }
  return runs;
}

double middle_of(const PixelBox& run) { return (run.left + run.right) / 2.0; }

double usual_step(const std::vector<PixelBox>& runs) {
  std::vector<double> steps;
  for (size_t i = 1; i < runs.size(); ++i) steps.push_back(middle_of(runs[i]) - middle_of(runs[i - 1]));
  return median(std::move(steps));
}

// Joins both strokes of a quotation mark to one letter.
std::vector<PixelBox> with_whole_quotes(const std::vector<PixelBox>& runs, double pitch) {
  std::vector<PixelBox> letters;
  for (const PixelBox& run : runs) {
    if (!letters.empty() && run.right - letters.back().left <= max_quote * pitch) {
      letters.back().include(run);
    } else {
      letters.push_back(run);
    }
  }
  return letters;
}

// Whether letters stand in cells of one width, at least so many of them.
bool fits(const std::vector<PixelBox>& letters, double pitch, double min_share) {
  size_t told = 0, regular = 0;  // steps between single letters, and those of them that are whole
  for (size_t i = 1; i < letters.size(); ++i) {
    if (std::max(letters[i - 1].width(), letters[i].width()) > max_single * pitch) continue;
    const double steps = (middle_of(letters[i]) - middle_of(letters[i - 1])) / pitch;
    ++told;
    regular += steps > 0.5 && std::abs(steps - std::round(steps)) <= max_off_pitch ? 1 : 0;
  }
  return told > 0 && 2 * told >= letters.size() &&
         static_cast<double>(regular) >= min_share * static_cast<double>(told);
}

// Pitch of monospaced letters, as of a typewriter; 0 for others.
double pitch_of(const std::vector<PixelBox>& runs, int height, double known) {
  if (known > 0) return fits(with_whole_quotes(runs, known), known, min_known_share) ? known : 0;
  if (runs.size() < min_typed) return 0;
  const std::vector<PixelBox> letters = with_whole_quotes(runs, usual_step(runs));
  if (letters.size() < min_typed) return 0;
  const double pitch = usual_step(letters);
  return pitch <= max_pitch * height && fits(letters, pitch, min_typed_share) ? pitch : 0;
}

std::vector<PixelBox> words_of(const std::vector<PixelBox>& runs, int height, double pitch) {
  std::vector<int> gaps;
  for (size_t i = 1; i < runs.size(); ++i) gaps.push_back(runs[i].left - runs[i - 1].right);
  std::vector<int> sorted = gaps;
  std::ranges::sort(sorted);
  // If enough gaps are too narrow to separate words, these alone tell how letters are set.
  const auto small = std::ranges::count_if(sorted, [&](int gap) { return gap < min_word_gap * height; });
  if (static_cast<size_t>(small) * 3 >= sorted.size()) sorted.resize(static_cast<size_t>(small));
  const double usual = sorted.empty() ? 0 : sorted[sorted.size() / 2];
  double least = std::max(min_word_gap * height, std::min(max_word_gap * height, 2.2 * usual));
  // If most letters touch, as in damaged print, the gaps are those between words, and narrower than they were.
  int ink = 0;
  for (const PixelBox& run : runs) ink += run.width();
  const double letters = ink / (letter_width * height);
  if (letters > 2 * static_cast<double>(runs.size())) {
    least = std::max(min_blurred_gap, min_word_gap_of_touching * height);
  }
  least = std::max(least, typed_gap * pitch);
  std::vector<PixelBox> words = {runs.front()};
  for (size_t i = 1; i < runs.size(); ++i) {
    if (gaps[i - 1] >= least) {
      words.push_back(runs[i]);
    } else {
      words.back().include(runs[i]);
    }
  }
  return words;
}

// Of letters, points and commas left out.
int usual_height(std::span<const PixelBox> letters, int line_height) {
  std::vector<int> heights;
  for (const PixelBox& letter : letters) {
    if (letter.height() >= min_letter * line_height) heights.push_back(letter.height());
  }
  return quantile(std::move(heights), 3, 10, line_height);
}

}  // namespace

TextLine line_of(std::span<const PixelBox> letters, int height, double pitch) {
  TextLine line;
  line.height = height;
  line.letter = usual_height(letters, height);
  const std::vector<PixelBox> runs = runs_of(letters);
  line.pitch = pitch_of(runs, height, pitch);
  line.words = words_of(runs, height, line.pitch);
  line.box = line.words.front();
  for (const PixelBox& word : line.words) line.box.include(word);
  return line;
}

}  // namespace lectern
