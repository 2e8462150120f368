// Boxes of the words that were read in a piece of a line, from the boxes measured in its ink.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "image/pixel_box.h"

namespace lectern {

// measured: at least one box, from left to right; letters: number of letters of each word read. -> a box for each word:
// the measured ones if there are as many; else neighbours are joined, or split in proportion to their letters, so that
// widths fit best.
std::vector<PixelBox> word_places(std::span<const PixelBox> measured, std::span<const size_t> letters);

}  // namespace lectern
