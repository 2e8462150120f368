#include "lines/pix.h"

#include <algorithm>

namespace lectern {
namespace {

l_uint32* line_of(Pix* pix, int y) { return pixGetData(pix) + static_cast<ptrdiff_t>(y) * pixGetWpl(pix); }

}  // namespace

PixPointer new_pix(int width, int height, int depth) {
  static const l_int32 severity = setMsgSeverity(L_SEVERITY_NONE);
  static_cast<void>(severity);
  return PixPointer(pixCreate(width, height, depth));
}

PixPointer to_pix(const GreyPicture& grey) {
  PixPointer pix = new_pix(grey.width, grey.height, 8);
  for (int y = 0; pix && y < grey.height; ++y) {
    l_uint32* line = line_of(pix.get(), y);
    for (int x = 0; x < grey.width; ++x) SET_DATA_BYTE(line, x, grey.at(x, y));
  }
  return pix;
}

PixPointer to_pix(const InkMask& mask, int step) {
  PixPointer pix = new_pix(mask.width / step, mask.height / step, 1);
  for (int y = 0; pix && y < mask.height / step; ++y) {
    l_uint32* line = line_of(pix.get(), y);
    for (int x = 0; x < mask.width / step; ++x) {
      bool ink = false;
      for (int dy = 0; dy < step && !ink; ++dy) {
        const uint8_t* row = mask.row(y * step + dy) + static_cast<ptrdiff_t>(x) * step;
        ink = std::any_of(row, row + step, [](uint8_t value) { return value != 0; });
      }
      if (ink) SET_DATA_BIT(line, x);
    }
  }
  return pix;
}

PixPointer to_pix(const Picture& picture) {
  PixPointer pix = new_pix(picture.width, picture.height, 32);
  for (int y = 0; pix && y < picture.height; ++y) {
    l_uint32* line = line_of(pix.get(), y);
    const uint8_t* row = picture.row(y);
    for (int x = 0; x < picture.width; ++x, row += 3) composeRGBPixel(row[0], row[1], row[2], line + x);
  }
  return pix;
}

Picture to_picture(const Pix& pix) {
  Pix* from = const_cast<Pix*>(&pix);  // Leptonica's getters are not const
  Picture out(pixGetWidth(from), pixGetHeight(from));
  for (int y = 0; y < out.height; ++y) {
    const l_uint32* line = line_of(from, y);
    uint8_t* row = out.row(y);
    for (int x = 0; x < out.width; ++x, row += 3) {
      l_int32 red = 0, green = 0, blue = 0;
      extractRGBValues(line[x], &red, &green, &blue);
      row[0] = static_cast<uint8_t>(red), row[1] = static_cast<uint8_t>(green), row[2] = static_cast<uint8_t>(blue);
    }
  }
  return out;
}

}  // namespace lectern
