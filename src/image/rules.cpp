#include "image/rules.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace lectern {
namespace {

// Heights of letters that a rule is longer than: strokes of a heading are long, but not as thin for their length.
constexpr double min_down = 2.5, min_across = 4;
constexpr int min_slimness = 20;           // length for the thickness
constexpr double min_thin_share = 0.8;     // of a rule's pixels: the others are crossings and letters that touch it
constexpr double max_break = 0.5;          // in heights of letters, between parts of one rule
constexpr int min_length = 40, parts = 8;  // where letters tell nothing: pixels, and of the page's side
constexpr size_t max_runs = 4000;          // a page with more is hatched, and has no tables

// The mask with rows and columns exchanged where rules that go down are looked for.
class Lines {
 public:
  Lines(const InkMask& mask, bool down) : mask_(mask), down_(down) {}
  int count() const { return down_ ? mask_.width : mask_.height; }
  int length() const { return down_ ? mask_.height : mask_.width; }
  bool ink(int line, int at) const { return *pixel(line, at) != 0; }
  // Pixels of ink across the line at this place, no more than `max` + 1.
  int thickness(int line, int at, int max) const {
    int thick = 1;
    for (int i = line - 1; i >= 0 && thick <= max && ink(i, at); --i) ++thick;
    for (int i = line + 1; i < count() && thick <= max && ink(i, at); ++i) ++thick;
    return thick;
  }
  // The whole of the ink across the line at this place, blurred rims with it.
  void erase_across(int line, int at, InkMask& mask) const {
    const auto clear = [&](int i) {
      const PixelBox pixel = box(i, at, at + 1);
      mask.row(pixel.top)[pixel.left] = 0;
    };
    for (int i = line; i >= 0 && ink(i, at); --i) clear(i);
    for (int i = line + 1; i < count() && ink(i, at); ++i) clear(i);
  }
  PixelBox box(int line, int first, int end) const {
    return down_ ? PixelBox{line, first, line + 1, end} : PixelBox{first, line, end, line + 1};
  }

 private:
  const uint8_t* pixel(int line, int at) const { return down_ ? mask_.row(at) + line : mask_.row(line) + at; }
  const InkMask& mask_;
  bool down_;
};

struct Run {
  int line = 0, first = 0, end = 0;
};

// Parts of one rule: neighbouring lines of pixels, and what lies behind a short break.
std::vector<PixelBox> joined(const Lines& lines, const std::vector<Run>& runs, bool down, int max_gap, int max_off) {
  std::vector<PixelBox> rules;
  for (const Run& run : runs) {
    PixelBox box = lines.box(run.line, run.first, run.end);
    // What was found so far may be joined by this run.
    for (size_t i = 0; i < rules.size();) {
      const PixelBox& other = rules[i];
      const int off = down ? std::max(other.left - box.right, box.left - other.right)
                           : std::max(other.top - box.bottom, box.top - other.bottom);
      const int gap = down ? std::max(other.top - box.bottom, box.top - other.bottom)
                           : std::max(other.left - box.right, box.left - other.right);
      if (off <= max_off && gap <= max_gap) {
        box.include(other);
        rules[i] = rules.back();
        rules.pop_back();
        i = 0;
      } else {
        ++i;
      }
    }
    rules.push_back(box);
  }
  return rules;
}

std::vector<PixelBox> take(const InkMask& before, InkMask& mask, bool down, int letter_height) {
  const Lines lines(before, down);
  const int max_thickness = std::max(4, before.longest() / 400);
  const int long_one = std::max(min_length, lines.length() / parts);
  const int least = letter_height > 0
                        ? std::min(long_one, static_cast<int>((down ? min_down : min_across) * letter_height))
                        : long_one;
  std::vector<Run> runs;
  std::vector<int> thickness;
  for (int line = 0; line < lines.count(); ++line) {
    for (int at = 0; at < lines.length(); ++at) {
      if (!lines.ink(line, at)) continue;
      const int first = at;
      while (at < lines.length() && lines.ink(line, at)) ++at;
      const int length = at - first;
      if (length < least) continue;
      thickness.clear();
      for (int i = first; i < at; ++i) thickness.push_back(lines.thickness(line, i, max_thickness));
      const int max = length >= long_one ? max_thickness : std::min(max_thickness, length / min_slimness);
      const auto thin = std::ranges::count_if(thickness, [&](int value) { return value <= max; });
      if (length < long_one && static_cast<double>(thin) < min_thin_share * length) continue;
      bool any = false;
      for (int i = first; i < at; ++i) {
        if (thickness[static_cast<size_t>(i - first)] > max) continue;
        lines.erase_across(line, i, mask);
        any = true;
      }
      if (any && static_cast<double>(thin) >= min_thin_share / 2 * length) runs.push_back({line, first, at});
    }
  }
  if (runs.size() > max_runs) return {};
  std::vector<PixelBox> rules = joined(lines, runs, down, std::max(2, static_cast<int>(max_break * letter_height)), 1);
  // Where a rule is frayed, its ink lies in lines beside those of its long runs.
  for (const PixelBox& rule : rules) {
    const int first = (down ? rule.left : rule.top) - 1, last = down ? rule.right : rule.bottom;
    for (int line = std::max(0, first); line <= std::min(last, lines.count() - 1); ++line) {
      for (int at = down ? rule.top : rule.left; at < (down ? rule.bottom : rule.right); ++at) {
        if (lines.ink(line, at) && lines.thickness(line, at, max_thickness) <= max_thickness)
          lines.erase_across(line, at, mask);
      }
    }
  }
  return rules;
}

}  // namespace

Rules take_rules(InkMask& mask, int letter_height) {
  const InkMask before = mask;
  Rules rules = {take(before, mask, false, letter_height), take(before, mask, true, letter_height)};
  for (auto* boxes : {&rules.across, &rules.down}) {
    for (PixelBox& box : *boxes) {
      box = {box.left * mask.scale, box.top * mask.scale, box.right * mask.scale, box.bottom * mask.scale};
    }
  }
  return rules;
}

}  // namespace lectern
