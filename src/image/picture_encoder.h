// Pictures as the bytes of a file, and parts of pictures; through libvips.
#pragma once

#include <string>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// The part within the box, outwards to whole pixels and at least one of them.
Picture crop(const Picture& picture, const Box& box);

std::string encode_png(const Picture& picture);

// Grey pictures are stored with one channel. `quality` from 1 to 100; a picture with a side longer than `max_side`
// is shrunk to it (0: never).
std::string encode_jpeg(const Picture& picture, int quality, int max_side = 0);

// One bit a pixel, 1 for white, each row from a new byte; empty where a pixel is neither black nor white.
std::string black_and_white_bits(const Picture& picture);

// The same as CCITT group 4, of which a fax and a TIFF are made: with /K -1 and as many /Columns, as a PDF has it.
// Empty also for a picture that is too high.
std::string encode_g4(const Picture& picture);

bool is_black_and_white(const Picture& picture);

// Whether every pixel is grey.
bool is_grey(const Picture& picture);

}  // namespace lectern
