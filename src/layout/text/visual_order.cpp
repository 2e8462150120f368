#include "layout/text/visual_order.h"

#include <fribidi/fribidi.h>

#include <algorithm>
#include <new>
#include <numeric>

namespace lectern {

VisualOrder visual_order(std::u32string_view line) {
  VisualOrder order;
  order.logical.resize(line.size());
  std::iota(order.logical.begin(), order.logical.end(), size_t{0});
  order.reversed.resize(line.size());
  // Scripts from right to left begin with Hebrew.
  if (std::ranges::all_of(line, [](char32_t c) { return c < 0x0590; })) return order;

  const auto length = static_cast<FriBidiStrIndex>(line.size());
  const std::vector<FriBidiChar> text(line.begin(), line.end());
  std::vector<FriBidiCharType> types(line.size());
  std::vector<FriBidiBracketType> brackets(line.size());
  std::vector<FriBidiLevel> levels(line.size());
  fribidi_get_bidi_types(text.data(), length, types.data());
  fribidi_get_bracket_types(text.data(), length, types.data(), brackets.data());
  FriBidiParType direction = FRIBIDI_PAR_ON;
  if (fribidi_get_par_embedding_levels_ex(types.data(), brackets.data(), length, &direction, levels.data()) == 0) {
    throw std::bad_alloc();
  }
  for (size_t i = 0; i < line.size(); ++i) order.reversed[i] = levels[i] % 2 != 0;
  std::vector<FriBidiStrIndex> map(line.size());
  std::iota(map.begin(), map.end(), 0);
  // Without FRIBIDI_FLAG_REORDER_NSM, so that marks stay behind their letters in visual order as well.
  if (fribidi_reorder_line(FRIBIDI_FLAGS_DEFAULT, types.data(), length, 0, direction, levels.data(), nullptr,
                           map.data()) == 0) {
    throw std::bad_alloc();
  }
  std::ranges::transform(map, order.logical.begin(), [](FriBidiStrIndex i) { return static_cast<size_t>(i); });
  order.right_to_left = FRIBIDI_IS_RTL(direction);
  return order;
}

}  // namespace lectern
