// Resizing of pictures, bit by bit as Pillow (to version 12) does it: what the model saw in training came from there,
// and the goldens compare every byte.
#pragma once

#include "core/picture.h"

namespace lectern {

// The picture resampled to width x height pixels with the antialiased bicubic filter of Pillow's
// Image.resize(BICUBIC); a copy where the size is the same already. Rows are spread over all threads.
// Throws Error where a side of the picture or of the result is not positive.
Picture resize_bicubic(const Picture& picture, int width, int height);

}  // namespace lectern
