// Order in which the characters of a line stand on the page, through fribidi.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace lectern {

struct VisualOrder {
  bool right_to_left = false;        // the line begins at its right end
  std::vector<std::size_t> logical;  // from the left: which character of the line stands there
  std::vector<bool> reversed;        // of each character of the line: it belongs to a run from right to left
};

// Of a line as it is read.
VisualOrder visual_order(std::u32string_view line);

}  // namespace lectern
