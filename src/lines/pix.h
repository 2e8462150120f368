// Leptonica's pictures, owned; its messages kept off standard error.
#pragma once

#include <leptonica/allheaders.h>

#include <memory>

#include "image/ink_mask.h"
#include "lines/grey_picture.h"

namespace lectern {

struct PixDeleter {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPointer = std::unique_ptr<Pix, PixDeleter>;  // empty where there was no memory

PixPointer new_pix(int width, int height, int depth);
PixPointer to_pix(const GreyPicture& grey);  // 8 bits
// One bit a pixel; `step` pixels of the mask along a side make one, which is ink where one of them is.
PixPointer to_pix(const InkMask& mask, int step);
PixPointer to_pix(const Picture& picture);  // 32 bits
Picture to_picture(const Pix& pix);         // of 32 bits

}  // namespace lectern
