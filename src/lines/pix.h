// RAII for Leptonica's pictures, with its messages kept off standard error.
#pragma once

#include <leptonica/allheaders.h>

#include <memory>

#include "image/ink_mask.h"
#include "lines/grey_picture.h"

namespace lectern {

struct PixDeleter {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPointer = std::unique_ptr<Pix, PixDeleter>;  // empty when memory ran out

PixPointer new_pix(int width, int height, int depth);
PixPointer to_pix(const GreyPicture& grey);  // 8 bits
// One bit a pixel; `step` x `step` pixels of the mask become one, which is ink if any of them is.
PixPointer to_pix(const InkMask& mask, int step);
PixPointer to_pix(const Picture& picture);  // 32 bits
Picture to_picture(const Pix& pix);         // of 32 bits

}  // namespace lectern
