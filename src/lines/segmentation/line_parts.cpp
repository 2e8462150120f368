#include "lines/segmentation/line_parts.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "core/quantile.h"
#include "lines/segmentation/line_words.h"

namespace lectern {
namespace {

constexpr size_t recent_letters = 12;  // of a line, by which its continuation is found
// In heights of the line, from tall letters to low ones.
constexpr double max_gap = 1.5;         // between words of one line
constexpr double line_to_letter = 1.4;  // its height to that of letters without ascender
constexpr double typed_gutter = 2;      // of the width: more than one space leaves, whatever letters stand beside it
constexpr double max_mark_gap = 1, max_mark_distance = 0.35;
constexpr double max_mark_depth = 0.3;  // from the foot up, where marks of the line below may stand
constexpr double max_overlap = 0.3, max_joined_resize = 1.5, min_joined_rows = 0.7;  // of chains that marks parted
constexpr double min_gutter = 0.75;                                                  // white between columns,
constexpr double max_gutter = 1.4;     // but more than between words that are set wide, as by a typewriter,
constexpr double gutter_to_gap = 1.6;  // by this much
constexpr double max_short_of_gutter = 10, max_behind_gutter = 5;  // where lines before it end and lines after it begin
constexpr double max_bridge = 1.2;                   // white above and below a line that goes on over a gap
constexpr double min_break = 1.2, break_to_gap = 3;  // white that parts a line by itself, and to that between its words
constexpr int min_gutter_lines = 3;                  // that a gutter passes
constexpr double min_line_height = 0.85;             // of the commonest letters
constexpr size_t min_word = 3;                       // letters that are no mark of the line beside them,
constexpr double max_mark_resize = 2.2;              // if it is taller by so much, or they are not in it
constexpr double min_small = 0.35;       // of the commonest letters: small print, if so many stand in a line
constexpr int min_small_height = 6;      // pixels
constexpr double min_typed_lines = 0.6;  // of a page whose lines are typed
constexpr double max_off_pitch = 0.1, max_typed_resize = 1.4;

struct Chain {
  std::vector<PixelBox> letters;  // from the left
  PixelBox box;

  void add(const PixelBox& letter) {
    if (letters.empty()) box = letter;
    letters.push_back(letter);
    box.include(letter);
  }
  // The band of the last letters.
  PixelBox recent() const {
    PixelBox band = letters.back();
    const size_t first = letters.size() > recent_letters ? letters.size() - recent_letters : 0;
    for (size_t i = first; i < letters.size(); ++i) band.include(letters[i]);
    return band;
  }
};

int overlap(int a_first, int a_last, int b_first, int b_last) {
  return std::min(a_last, b_last) - std::max(a_first, b_first);
}

int shared_rows(const PixelBox& a, const PixelBox& b) { return overlap(a.top, a.bottom, b.top, b.bottom); }

// How badly a letter fits after a chain; nullopt if it does not fit.
std::optional<double> misfit(const Chain& chain, const PixelBox& letter, int usual_height) {
  const PixelBox band = chain.recent();
  const int height = std::max(band.height(), letter.height());
  const int gap = letter.left - chain.box.right;
  if (gap > max_gap * std::max<double>(height, line_to_letter * usual_height) ||
      letter.height() > 2.6 * band.height() || band.height() > 3.2 * letter.height())
    return {};
  const int shared = shared_rows(band, letter);
  if (shared * 2 < std::min(band.height(), letter.height())) return {};
  // Letters of another line reach into this one by their ends alone.
  const double off = std::abs(band.middle() - letter.middle());
  if (off > 0.55 * height) return {};
  return std::max(0, gap) + 2 * off;
}

std::vector<Chain> chains_of(const std::vector<PixelBox>& letters, int usual_height) {
  std::vector<Chain> done, open;
  for (const PixelBox& letter : letters) {
    Chain* best = nullptr;
    double least = std::numeric_limits<double>::max();
    for (Chain& chain : open) {
      if (const auto cost = misfit(chain, letter, usual_height); cost && *cost < least) least = *cost, best = &chain;
    }
    if (best != nullptr) {
      best->add(letter);
    } else {
      open.emplace_back().add(letter);
    }
    const auto out_of_reach = [&](const Chain& chain) {
      return letter.left - chain.box.right > 40 * chain.box.height();
    };
    for (Chain& chain : open) {
      if (out_of_reach(chain)) done.push_back(std::move(chain));
    }
    std::erase_if(open, [](const Chain& chain) { return chain.letters.empty(); });
  }
  std::ranges::move(open, std::back_inserter(done));
  return done;
}

// From the top of tall letters to the foot of low ones: the band that contains all but a few letters, check boxes not
// counted.
int height_of(const Chain& chain, const std::vector<CheckBox>& check_boxes) {
  std::vector<int> tops, bottoms;
  const auto is_check_box = [&](const PixelBox& letter) {
    return std::ranges::any_of(check_boxes, [&](const CheckBox& check) {
      return letter.left == check.box.left && letter.top == check.box.top;
    });
  };
  const bool only_boxes = std::ranges::all_of(chain.letters, is_check_box);
  for (const PixelBox& letter : chain.letters) {
    if (!only_boxes && is_check_box(letter)) continue;
    tops.push_back(letter.top);
    bottoms.push_back(letter.bottom);
  }
  std::ranges::sort(tops);
  std::ranges::sort(bottoms);
  const size_t few = tops.size() / 40;
  return std::max(1, bottoms[bottoms.size() - 1 - few] - tops[few]);
}

// Whether a low chain is commas, quotes or accents of a taller one: beside it, or over or under it. What may be a word
// is only so within it, as what is raised or lowered, and not beside an initial.
bool is_mark_of(const Chain& chain, const Chain& other) {
  const PixelBox& box = chain.box;
  const int height = other.box.height();
  const bool near = 4 * height > 5 * box.height() && box.left < other.box.right + height &&
                    box.right > other.box.left - height && box.top < other.box.bottom + max_mark_distance * height &&
                    box.bottom > other.box.top - max_mark_distance * height;
  if (!near || chain.letters.size() < min_word) return near;
  const bool within = box.middle() > other.box.top && box.middle() < other.box.bottom;
  return within && height <= max_mark_resize * box.height();
}

// Low chains that stand alone become lines of small letters.
void take_marks(std::vector<Chain>& chains, int usual_height, std::vector<PixelBox>& marks) {
  std::vector<PixelBox> large;
  for (const Chain& chain : chains) {
    if (chain.letters.size() >= min_word && chain.box.height() > usual_height) large.push_back(chain.box);
  }
  std::vector<bool> low(chains.size());
  for (size_t i = 0; i < chains.size(); ++i) {
    // Pieces of a broken letter in a line of much larger ones are marks of it too.
    const PixelBox& box = chains[i].box;
    const auto holds = [&](const PixelBox& line) {
      const int width = overlap(box.left, box.right, line.left, line.right);
      return 2 * box.height() <= line.height() && shared_rows(box, line) == box.height() && width == box.width();
    };
    low[i] = chains[i].letters.size() < min_word && std::ranges::any_of(large, holds);
    if (low[i] || box.height() >= min_line_height * usual_height) continue;
    low[i] = chains[i].letters.size() < 2 ||
             std::ranges::any_of(chains, [&](const Chain& other) { return is_mark_of(chains[i], other); });
  }
  std::vector<Chain> lines;
  for (size_t i = 0; i < chains.size(); ++i) {
    if (low[i]) {
      marks.insert(marks.end(), chains[i].letters.begin(), chains[i].letters.end());
    } else {
      lines.push_back(std::move(chains[i]));
    }
  }
  chains = std::move(lines);
}

// A mark belongs to the line that it stands in, over or under, within reach of its letters or other marks of it. Gives
// those back that belong to none.
std::vector<PixelBox> attach_marks(std::vector<Chain>& chains, std::vector<PixelBox> marks, int usual_height) {
  std::vector<PixelBox> bands;  // of the letters alone
  bands.reserve(chains.size());
  for (const Chain& chain : chains) bands.push_back(chain.box);
  // First what stands in a line, so that several quotes before it do not go to the line above, then the rest.
  for (const bool within : {true, false}) {
    for (bool found = true; found;) {
      found = false;
      std::vector<PixelBox> left;
      for (const PixelBox& mark : marks) {
        double least = std::numeric_limits<double>::max();
        size_t best = chains.size();
        for (size_t i = 0; i < chains.size(); ++i) {
          const int height = bands[i].height();
          const int away = std::max({0, bands[i].top - mark.bottom, mark.top - bands[i].bottom});
          const int beside = std::max({0, chains[i].box.left - mark.right, mark.left - chains[i].box.right});
          // A word may have no tall letters.
          if (beside > max_mark_gap * std::max<double>(height, line_to_letter * usual_height) ||
              away > max_mark_distance * height)
            continue;
          if (within && (mark.middle() < bands[i].top || mark.middle() > bands[i].bottom - max_mark_depth * height))
            continue;
          // A quote before a line is farther from its first letter than from the line above, but it stands in its line.
          const double cost = 2 * away + beside + 0.1 * std::abs(mark.middle() - bands[i].middle());
          if (cost < least) least = cost, best = i;
        }
        if (best < chains.size()) {
          chains[best].add(mark);
          found = true;
        } else {
          left.push_back(mark);
        }
      }
      marks = std::move(left);
    }
  }
  for (Chain& chain : chains) std::ranges::sort(chain.letters, {}, &PixelBox::left);
  return marks;
}

// Print so small that its letters were taken for marks, where several of a size stand in a line.
std::vector<Chain> small_print(std::vector<PixelBox> marks, int usual_height) {
  std::erase_if(marks, [&](const PixelBox& mark) {
    return mark.height() < std::max<double>(min_small_height, min_small * usual_height) ||
           mark.width() > 2 * mark.height();
  });
  std::ranges::sort(marks, {}, &PixelBox::left);
  std::vector<Chain> chains = chains_of(marks, static_cast<int>(min_small * usual_height));
  std::erase_if(chains, [](const Chain& chain) { return chain.letters.size() < min_word; });
  return chains;
}

// Chains of one line that only marks stood between, as `": "` does in programs: joined once these belong to them.
void join_over_marks(std::vector<Chain>& chains, std::vector<int>& heights) {
  std::vector<size_t> order(chains.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return chains[i].box.left; });
  std::vector<Chain> joined;
  std::vector<int> joined_heights;
  for (const size_t i : order) {
    const Chain& chain = chains[i];
    size_t best = joined.size();
    int least = std::numeric_limits<int>::max();
    for (size_t j = 0; j < joined.size(); ++j) {
      const int height = std::max(heights[i], joined_heights[j]), lower = std::min(heights[i], joined_heights[j]);
      const int gap = chain.box.left - joined[j].box.right;
      const bool reaches = gap <= max_gap * height && gap >= -max_overlap * height;
      const bool alike =
          height <= max_joined_resize * lower && shared_rows(chain.box, joined[j].box) >= min_joined_rows * lower;
      if (reaches && alike && gap < least) least = gap, best = j;
    }
    if (best == joined.size()) {
      joined.push_back(chain);
      joined_heights.push_back(heights[i]);
    } else {
      for (const PixelBox& letter : chain.letters) joined[best].add(letter);
      joined_heights[best] = std::max(joined_heights[best], heights[i]);
    }
  }
  for (Chain& chain : joined) std::ranges::sort(chain.letters, {}, &PixelBox::left);
  chains = std::move(joined);
  heights = std::move(joined_heights);
}

// On a page that is typed, quotes and signs must not hide that a line is typed too.
std::vector<TextLine> lines_of(const std::vector<Chain>& chains, const std::vector<int>& heights) {
  std::vector<TextLine> lines;
  std::vector<double> pitches, line_heights;
  size_t telling = 0;
  for (size_t i = 0; i < chains.size(); ++i) {
    const TextLine& line = lines.emplace_back(line_of(chains[i].letters, heights[i]));
    telling += chains[i].letters.size() > 2 * min_word ? 1 : 0;
    if (line.pitch > 0) pitches.push_back(line.pitch), line_heights.push_back(line.height);
  }
  if (pitches.empty() || static_cast<double>(pitches.size()) < min_typed_lines * static_cast<double>(telling))
    return lines;
  const double pitch = median(std::move(pitches)), height = median(std::move(line_heights));
  for (size_t i = 0; i < chains.size(); ++i) {
    const bool off = std::abs(lines[i].pitch - pitch) > max_off_pitch * pitch;
    if (off && lines[i].height <= max_typed_resize * height && height <= max_typed_resize * lines[i].height) {
      TextLine typed = line_of(chains[i].letters, heights[i], pitch);
      if (typed.pitch > 0) lines[i] = std::move(typed);
    }
  }
  return lines;
}

struct Gap {
  int left = 0;
  int right = 0;
  int width() const { return right - left; }
};

// The gap of a line that shares enough white with `gutter`, or the white beside the line; nothing where it is crossed.
std::optional<Gap> white_at(const TextLine& line, const Gap& gutter, int least) {
  Gap white = gutter;
  if (line.box.right <= gutter.left + least / 2) return white;
  if (line.box.left >= gutter.right - least / 2) return white;
  for (size_t i = 1; i < line.words.size(); ++i) {
    const Gap gap = {std::max(gutter.left, line.words[i - 1].right), std::min(gutter.right, line.words[i].left)};
    if (gap.width() >= least) return gap;
  }
  white.left = std::max(white.left, line.box.right);
  if (white.width() >= least && line.box.left < gutter.left) return white;
  white = gutter;
  white.right = std::min(white.right, line.box.left);
  if (white.width() >= least && line.box.right > gutter.right) return white;
  return std::nullopt;
}

// Whether white goes down through at least min_gutter_lines of the lines around line `at` with text on both sides.
bool is_gutter(const std::vector<TextLine>& lines, size_t at, Gap gap, double gutter) {
  const int height = lines[at].height, least = static_cast<int>(gutter * height);
  int left_lines = 0, right_lines = 0;
  const auto follow = [&](bool down) {
    Gap white = gap;
    int edge = down ? lines[at].box.bottom : lines[at].box.top;
    for (size_t step = 1; step < lines.size(); ++step) {
      if (down ? at + step >= lines.size() : step > at) break;
      const TextLine& line = lines[down ? at + step : at - step];
      const bool beside = line.box.right < gap.left - 60 * height || line.box.left > gap.right + 60 * height;
      if (beside) continue;
      if (down ? line.box.top > edge + 2 * height : line.box.bottom < edge - 2 * height) break;
      const std::optional<Gap> shared = white_at(line, white, least);
      if (!shared) break;
      white = *shared;
      edge = down ? std::max(edge, line.box.bottom) : std::min(edge, line.box.top);
      // Lines of a further column say nothing about this one.
      left_lines += line.box.left < white.left && white.left - line.box.right <= max_short_of_gutter * height ? 1 : 0;
      right_lines += line.box.right > white.right && line.box.left - white.right <= max_behind_gutter * height ? 1 : 0;
    }
  };
  follow(true);
  follow(false);
  return left_lines + 1 >= min_gutter_lines && right_lines + 1 >= min_gutter_lines;
}

// The narrowest gutter of a page in heights of a line, by the gaps between its words.
double gutter_of(const std::vector<TextLine>& lines) {
  std::vector<double> gaps;
  for (const TextLine& line : lines) {
    for (size_t i = 1; i < line.words.size(); ++i)
      gaps.push_back(static_cast<double>(line.words[i].left - line.words[i - 1].right) / line.height);
  }
  return std::clamp(gutter_to_gap * quantile(std::move(gaps), 1, 4), min_gutter, max_gutter);
}

// Least white between what only stands in one line by chance, as entries of a menu; none in what is typed, where it may
// stand between any words.
double break_of(const TextLine& line) {
  std::vector<int> gaps;
  for (size_t i = 1; i < line.words.size(); ++i) gaps.push_back(line.words[i].left - line.words[i - 1].right);
  if (gaps.size() < 2 || line.pitch > 0) return std::numeric_limits<double>::max();
  return std::max(min_break * line.height, break_to_gap * quantile(std::move(gaps), 1, 4));
}

// Whether a line right above or below goes on over the gap, as it does in running text.
bool is_bridged(const std::vector<TextLine>& lines, size_t at, const Gap& gap) {
  const PixelBox& box = lines[at].box;
  return std::ranges::any_of(lines, [&](const TextLine& other) {
    const int white = std::max(other.box.top - box.bottom, box.top - other.box.bottom);
    return &other != &lines[at] && white < max_bridge * lines[at].height && !white_at(other, gap, gap.width());
  });
}

}  // namespace

std::vector<TextLine> find_line_parts(const Letters& letters) {
  std::vector<Chain> chains = chains_of(letters.letters, letters.height);
  std::vector<PixelBox> marks = letters.marks;
  take_marks(chains, letters.height, marks);
  std::vector<int> heights;
  heights.reserve(chains.size());
  for (const Chain& chain : chains) heights.push_back(height_of(chain, letters.check_boxes));
  for (Chain& chain : small_print(attach_marks(chains, std::move(marks), letters.height), letters.height)) {
    heights.push_back(height_of(chain, letters.check_boxes));
    chains.push_back(std::move(chain));
  }
  join_over_marks(chains, heights);

  std::vector<TextLine> lines = lines_of(chains, heights);
  std::ranges::sort(lines, [](const TextLine& a, const TextLine& b) { return a.box.middle() < b.box.middle(); });

  const double gutter = gutter_of(lines);
  std::vector<TextLine> parts;
  for (size_t i = 0; i < lines.size(); ++i) {
    TextLine part = lines[i];
    part.words.clear();
    const double breaks = break_of(lines[i]);
    for (const PixelBox& word : lines[i].words) {
      const Gap gap = {part.words.empty() ? word.left : part.words.back().right, word.left};
      const double least = std::max(gutter, typed_gutter * lines[i].pitch / lines[i].height);
      const bool gutter_here = gap.width() >= least * lines[i].height && is_gutter(lines, i, gap, least);
      if (gutter_here || (gap.width() >= breaks && !is_bridged(lines, i, gap))) {
        parts.push_back(part);
        part.words.clear();
      }
      if (part.words.empty()) part.box = word;
      part.words.push_back(word);
      part.box.include(word);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace lectern
