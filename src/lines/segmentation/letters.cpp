#include "lines/segmentation/letters.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "core/quantile.h"
#include "image/ink_mask.h"

namespace lectern {
namespace {

constexpr int min_height = 5;  // pixels of a letter that can be read
constexpr int min_pixels = 3;  // of ink in a mark
// Sizes of letters beside the commonest: up to large headings, down to small capitals and signs.
constexpr double max_relative = 7, min_relative = 0.55, min_mark = 0.1;
// Minimum share of ink in the box of a bar with light letters on it.
constexpr double min_fill_of_bar = 0.55;
constexpr int bar_rim = 2;  // pixels at which a bar is neither dark nor light
// Broken rules: how flat their dashes are, their thickness, breaks and length in heights of letters, their share of
// ink, and by how many pixels a dash may be off.
constexpr double min_flatness = 3, max_rule = 0.35, max_break = 3, min_rule = 8, min_rule_ink = 0.4;
constexpr int rule_offset = 2;
constexpr size_t min_dashes = 4;
// A faint rule is known if another runs along so much of it within this distance, in heights of letters. A page with
// more of them has a pattern.
constexpr double rule_distance = 0.4, min_known_share = 0.8;
constexpr size_t max_faint_rules = 300;
// Leaders: maximum size and distance of their dots, in heights of letters, and by how much of it distances may differ.
constexpr double max_dot = 0.45, max_dot_step = 3, max_uneven_step = 0.2;
constexpr size_t min_dots = 5;

PixelBox box_of(const InkPiece& piece, int scale) {
  return {piece.left * scale, piece.top * scale, piece.right * scale, piece.bottom * scale};
}

bool letter_shaped(const PixelBox& box) {
  return box.height() >= min_height && box.width() * 8 >= box.height() && box.width() <= 4 * box.height();
}

int usual_height(const std::vector<InkPiece>& pieces, int scale) {
  std::vector<int> heights;
  for (const InkPiece& piece : pieces) {
    const PixelBox box = box_of(piece, scale);
    if (letter_shaped(box) && piece.pixels >= 12) heights.push_back(box.height());
  }
  return median(std::move(heights));
}

Picture inverted(const Picture& page, const PixelBox& box) {
  Picture out(box.width(), box.height());
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* from = page.row(box.top + y) + static_cast<size_t>(box.left) * 3;
    std::transform(from, from + static_cast<size_t>(out.width) * 3, out.row(y),
                   [](uint8_t value) { return static_cast<uint8_t>(255 - value); });
  }
  return out;
}

std::vector<InkPiece> pieces_of(InkMask mask, int& scale, Rules& rules, std::vector<CheckBox>* check_boxes = nullptr) {
  scale = mask.scale;
  rules = take_rules(mask, usual_height(ink_pieces(mask, true), 1));
  std::vector<InkPiece> pieces = ink_pieces(mask, true);
  if (check_boxes != nullptr) *check_boxes = find_check_boxes(mask, pieces, usual_height(pieces, 1));
  return pieces;
}

PixelBox transposed(const PixelBox& box) { return {box.top, box.left, box.bottom, box.right}; }

// Whether the rule across the page runs along the other, not farther away than `margin`.
bool runs_along(const PixelBox& rule, const PixelBox& other, int margin) {
  const int shared = std::min(rule.right, other.right) - std::max(rule.left, other.left);
  return std::abs(rule.middle() - other.middle()) <= margin && shared >= min_known_share * rule.width();
}

// Adds light rules, such as borders of cards and cells, which are not ink beside dark letters: those that do not run
// along one of `rules`.
void add_faint_rules(InkMask mask, int letter_height, Rules& rules) {
  const Rules faint = take_rules(mask, letter_height / mask.scale);
  if (faint.across.size() + faint.down.size() > max_faint_rules) return;
  const int margin = std::max(2, static_cast<int>(rule_distance * letter_height));
  const auto add = [&](const std::vector<PixelBox>& from, bool down, std::vector<PixelBox>& to) {
    for (const PixelBox& rule : from) {
      const bool known = std::ranges::any_of(to, [&](const PixelBox& other) {
        return down ? runs_along(transposed(rule), transposed(other), margin) : runs_along(rule, other, margin);
      });
      if (!known) to.push_back(rule);
    }
  };
  add(faint.across, false, rules.across);
  add(faint.down, true, rules.down);
}

// Removes the marks with these numbers.
void drop(std::vector<PixelBox>& marks, const std::vector<size_t>& numbers) {
  std::vector<bool> dropped(marks.size());
  for (const size_t i : numbers) dropped[i] = true;
  size_t kept = 0;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (!dropped[i]) marks[kept++] = marks[i];
  }
  marks.resize(kept);
}

// Removes what is left of thin rules that are slanted, or broken by faint print: flat marks one after the other, closer
// than the hyphens of a number.
void drop_broken_rules(std::vector<PixelBox>& marks, int height) {
  struct Rule {
    std::vector<size_t> marks;
    int ink = 0;
  };
  std::vector<Rule> rules;
  for (size_t i = 0; i < marks.size(); ++i) {  // from the left
    const PixelBox& mark = marks[i];
    if (mark.width() < min_flatness * mark.height() || mark.height() > max_rule * height) continue;
    const auto goes_on = [&](const Rule& rule) {
      const PixelBox& last = marks[rule.marks.back()];
      return mark.left - last.right <= max_break * height && std::abs(mark.middle() - last.middle()) <= rule_offset;
    };
    const auto found = std::ranges::find_if(rules, goes_on);
    Rule& rule = found != rules.end() ? *found : rules.emplace_back();
    rule.marks.push_back(i);
    rule.ink += mark.width();
  }
  std::vector<size_t> dropped;
  for (const Rule& rule : rules) {
    const int length = marks[rule.marks.back()].right - marks[rule.marks.front()].left;
    if (rule.marks.size() < min_dashes || length < min_rule * height || rule.ink < min_rule_ink * length) continue;
    dropped.insert(dropped.end(), rule.marks.begin(), rule.marks.end());
  }
  drop(marks, dropped);
}

// Removes rows of dots that lead from a name to a number or fill an empty line of a form.
void drop_leaders(std::vector<PixelBox>& marks, int height) {
  struct Leader {
    std::vector<size_t> dots;
    int step = 0;
  };
  std::vector<Leader> leaders, done;
  const auto reach = static_cast<int>(max_dot_step * height);
  for (size_t i = 0; i < marks.size(); ++i) {  // from the left
    const PixelBox& mark = marks[i];
    if (std::max(mark.width(), mark.height()) > max_dot * height || mark.width() > 2 * mark.height()) continue;
    const auto goes_on = [&](const Leader& leader) {
      const PixelBox& last = marks[leader.dots.back()];
      const int step = mark.left - last.left;
      const bool alike = std::abs(mark.middle() - last.middle()) <= rule_offset && step <= reach &&
                         std::abs(mark.height() - last.height()) <= rule_offset;
      return alike &&
             (leader.step == 0 || std::abs(step - leader.step) <= std::max(2.0, max_uneven_step * leader.step));
    };
    std::erase_if(leaders, [&](Leader& leader) {
      if (mark.left - marks[leader.dots.back()].left <= reach) return false;
      if (leader.dots.size() >= min_dots) done.push_back(std::move(leader));
      return true;
    });
    const auto found = std::ranges::find_if(leaders, goes_on);
    Leader& leader = found != leaders.end() ? *found : leaders.emplace_back();
    if (leader.dots.size() == 1) leader.step = mark.left - marks[leader.dots.back()].left;
    leader.dots.push_back(i);
  }
  std::ranges::move(leaders, std::back_inserter(done));
  std::vector<size_t> dropped;
  for (const Leader& leader : done) {
    if (leader.dots.size() >= min_dots) dropped.insert(dropped.end(), leader.dots.begin(), leader.dots.end());
  }
  drop(marks, dropped);
}

}  // namespace

Letters find_letters(const Picture& page) {
  Letters found;
  if (page.width < min_height || page.height < min_height) return found;
  InkMasks inks = find_inks(page);
  int scale = 1;
  const std::vector<InkPiece> pieces = pieces_of(std::move(inks.solid), scale, found.rules, &found.check_boxes);
  found.height = usual_height(pieces, scale);
  if (found.height > 0) add_faint_rules(std::move(inks.faint), found.height, found.rules);
  std::vector<PixelBox> boxes;
  for (const InkPiece& piece : pieces) {
    const PixelBox box = box_of(piece, scale);
    const double area = static_cast<double>(piece.width()) * piece.height();
    const int usual = std::max(found.height, 2 * min_height);
    if (box.width() >= 4 * usual && box.height() >= 2 * usual && piece.pixels >= min_fill_of_bar * area) {
      found.bars.push_back(box);
    } else if (piece.pixels >= min_pixels) {
      boxes.push_back(box);
    }
  }
  // A check box is one letter, whatever is in it or sticks out of it.
  for (const CheckBox& check : found.check_boxes) {
    std::erase_if(boxes, [&](const PixelBox& box) { return box.overlaps(check.box); });
    boxes.push_back(check.box);
  }
  // Dark spots in a bar are the counters of its light letters.
  std::erase_if(boxes, [&](const PixelBox& box) {
    return std::ranges::any_of(found.bars, [&](const PixelBox& bar) {
      return box.left >= bar.left && box.right <= bar.right && box.top >= bar.top && box.bottom <= bar.bottom;
    });
  });
  for (PixelBox bar : found.bars) {
    bar = {bar.left + bar_rim, bar.top + bar_rim, bar.right - bar_rim, bar.bottom - bar_rim};
    int inner_scale = 1;
    Rules inner_rules;
    const std::vector<InkPiece> inner = pieces_of(find_ink(inverted(page, bar), Ink::solid), inner_scale, inner_rules);
    if (found.height == 0) found.height = usual_height(inner, inner_scale);
    for (const InkPiece& piece : inner) {
      const PixelBox box = box_of(piece, inner_scale);
      boxes.push_back({bar.left + box.left, bar.top + box.top, bar.left + box.right, bar.top + box.bottom});
    }
  }
  if (found.height == 0) return found;
  for (const PixelBox& box : boxes) {
    const int longest = std::max(box.width(), box.height());
    if (box.height() >= min_relative * found.height && box.height() >= min_height) {
      if (longest <= max_relative * found.height * 2 && box.height() <= max_relative * found.height)
        found.letters.push_back(box);
    } else if (longest >= min_mark * found.height && box.width() <= 3 * found.height) {
      found.marks.push_back(box);
    }
  }
  const auto from_left = [](const PixelBox& a, const PixelBox& b) { return a.left < b.left; };
  std::ranges::sort(found.letters, from_left);
  std::ranges::sort(found.marks, from_left);
  drop_broken_rules(found.marks, found.height);
  drop_leaders(found.marks, found.height);
  return found;
}

}  // namespace lectern
