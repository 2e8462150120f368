#include "lines/segmentation/frames.h"

#include <algorithm>
#include <cstdlib>

namespace lectern {
namespace {

// In heights of letters.
constexpr double min_width = 8, min_height = 4;
constexpr double max_off = 0.8;    // at corners
constexpr double min_side = 0.9;   // of a side, by the rule along it
constexpr size_t max_rules = 600;  // of a page; frames are not searched for among more

bool are_near(int a, int b, int margin) { return std::abs(a - b) <= margin; }

// Whether a rule goes down from `top` to `bottom` at `x`.
bool has_side(const std::vector<PixelBox>& down, int x, int top, int bottom, int margin) {
  return std::ranges::any_of(down, [&](const PixelBox& rule) {
    const int covered = std::min(rule.bottom, bottom) - std::max(rule.top, top);
    const bool ends = rule.top >= top - margin && rule.bottom <= bottom + margin;
    return are_near(rule.left, x, margin) && ends && covered >= min_side * (bottom - top);
  });
}

}  // namespace

std::vector<PixelBox> find_frames(const Rules& rules, int letter_height) {
  std::vector<PixelBox> frames;
  if (letter_height == 0 || rules.across.size() + rules.down.size() > max_rules) return frames;
  const int margin = std::max(2, static_cast<int>(max_off * letter_height));
  for (const PixelBox& top : rules.across) {
    if (top.width() < min_width * letter_height) continue;
    const PixelBox* nearest = nullptr;  // of the rules that close a frame below
    for (const PixelBox& bottom : rules.across) {
      const bool below = bottom.top - top.top >= min_height * letter_height &&
                         are_near(bottom.left, top.left, margin) && are_near(bottom.right, top.right, margin);
      if (!below || (nearest != nullptr && bottom.top >= nearest->top)) continue;
      if (has_side(rules.down, top.left, top.top, bottom.bottom, margin) &&
          has_side(rules.down, top.right, top.top, bottom.bottom, margin))
        nearest = &bottom;
    }
    if (nearest != nullptr) frames.push_back({top.left, top.top, top.right, nearest->bottom});
  }
  std::ranges::sort(frames, {}, &PixelBox::top);
  return frames;
}

}  // namespace lectern
