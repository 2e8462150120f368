// The boxes of the words that were read in a piece of a line, from those that were measured in its ink.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "image/pixel_box.h"

namespace lectern {

// measured: boxes from left to right, one at least; letters: of each word that was read. Where as many were measured as
// were read, those; else neighbours are joined, or parted by their letters, so that widths fit best. A box for each
// word.
std::vector<PixelBox> word_places(std::span<const PixelBox> measured, std::span<const size_t> letters);

}  // namespace lectern
