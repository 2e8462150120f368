// Ranges of indices, and their even division.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lectern {

struct Range {
  int64_t first = 0;
  int64_t count = 0;
  int64_t end() const { return first + count; }
  bool empty() const { return count == 0; }
  friend bool operator==(const Range&, const Range&) = default;
};

// The part of one of `parts` in 0 .. count - 1: of whole units but for the last, and as even as they are; the first
// parts are the larger ones. Where there are fewer units than parts the last ones are empty.
inline Range part_of(int64_t count, int64_t part, int64_t parts, int64_t unit = 1) {
  const int64_t units = (count + unit - 1) / unit;
  const int64_t least = units / parts;
  const int64_t larger = units % parts;  // parts with one more
  const int64_t first = std::min(count, (part * least + std::min(part, larger)) * unit);
  const int64_t end = std::min(count, ((part + 1) * least + std::min(part + 1, larger)) * unit);
  return {first, end - first};
}

}  // namespace lectern
