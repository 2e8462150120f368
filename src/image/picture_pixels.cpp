#include "image/picture_pixels.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "lectern/error.h"

namespace lectern {
namespace {

using vips::VImage;
using vips::VRegion;

// Decodes from the top in strips, in this thread alone. row_done(y, samples): samples of Sample in [width, bands].
template <class Sample, class RowDone>
void for_each_row(const VImage& image, RowDone row_done) {
  constexpr int strip_rows = 64;
  const VRegion region = VRegion::new_from_image(image);
  for (int top = 0; top < image.height(); top += strip_rows) {
    const int rows = std::min(strip_rows, image.height() - top);
    region.prepare(0, top, image.width(), rows);
    for (int y = top; y < top + rows; ++y) {
      row_done(y, reinterpret_cast<const Sample*>(region.addr(0, y)));
    }
  }
}

// Any integer format -> 8 bits of 1 (grey) or 3 (RGB) bands; on white paper or black where it is transparent.
VImage to_8_bit(VImage image, const std::string& name, bool on_black) {
  const bool cmyk = image.interpretation() == VIPS_INTERPRETATION_CMYK;
  int shift = 0;
  switch (image.format()) {
    case VIPS_FORMAT_UCHAR: break;
    case VIPS_FORMAT_USHORT: shift = 8; break;
    case VIPS_FORMAT_UINT: shift = 24; break;
    default:
      throw Error(name + ": the samples are of type " + vips_enum_nick(VIPS_TYPE_BAND_FORMAT, image.format()) +
                      "; expected unsigned integers or floating point",
                  ErrorCode::unsupported);
  }
  if (shift != 0) {
    image = (image >> shift).cast(VIPS_FORMAT_UCHAR);
    image = image.copy(VImage::option()->set("interpretation", cmyk                ? VIPS_INTERPRETATION_CMYK
                                                               : image.bands() < 3 ? VIPS_INTERPRETATION_B_W
                                                                                   : VIPS_INTERPRETATION_sRGB));
  }
  if (image.has_alpha()) {
    const double ground = cmyk == on_black ? 255 : 0;  // no ink, or full light
    image = image.flatten(VImage::option()->set("background", std::vector<double>{ground}));
  }
  if (cmyk) image = image.colourspace(VIPS_INTERPRETATION_sRGB).cast(VIPS_FORMAT_UCHAR);
  const int bands = image.bands() < 3 ? 1 : 3;
  return image.bands() == bands ? image : image.extract_band(0, VImage::option()->set("n", bands));
}

// Bands beyond grey or RGB, alpha among them, are left out.
Picture decode_floats(const VImage& source) {
  const VImage image = source.cast(VIPS_FORMAT_FLOAT);
  const int bands = image.bands(), colours = bands < 3 ? 1 : 3;
  const int width = image.width(), height = image.height();
  std::vector<float> values(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(colours));
  float* to = values.data();
  float largest = 0;
  for_each_row<float>(image, [&](int, const float* samples) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < colours; ++c, ++to) {
        *to = samples[x * bands + c];
        if (*to > largest) largest = *to;
      }
    }
  });
  const float scale = largest <= 1.0f ? 255.0f : 1.0f;
  Picture picture(width, height);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    const float value = values[colours == 1 ? i / 3 : i] * scale + 0.5f;
    picture.rgb[i] = value > 0 ? static_cast<uint8_t>(std::min(value, 255.0f)) : uint8_t{0};  // not-a-number: 0
  }
  return picture;
}

}  // namespace

Picture decode_bytes(const VImage& image) {
  Picture picture(image.width(), image.height());
  const bool grey = image.bands() == 1;
  for_each_row<uint8_t>(image, [&](int y, const uint8_t* samples) {
    uint8_t* row = picture.row(y);
    if (grey) {
      for (int x = 0; x < picture.width; ++x) row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = samples[x];
    } else {
      std::copy_n(samples, static_cast<size_t>(picture.width) * 3, row);
    }
  });
  return picture;
}

Picture decode_pixels(const VImage& image, const std::string& name, bool on_black) {
  const bool floats = image.format() == VIPS_FORMAT_FLOAT || image.format() == VIPS_FORMAT_DOUBLE;
  return floats ? decode_floats(image) : decode_bytes(to_8_bit(image, name, on_black));
}

Picture turn_upright(Picture picture, int orientation) {
  if (orientation < 2 || orientation > 8) return picture;
  const bool exchange = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Picture out(exchange ? picture.height : picture.width, exchange ? picture.width : picture.height);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int along = exchange ? y : x, down = exchange ? x : y;
      const int from_x = from_right ? picture.width - 1 - along : along;
      const int from_y = from_bottom ? picture.height - 1 - down : down;
      std::copy_n(picture.row(from_y) + static_cast<size_t>(from_x) * 3, 3, out.row(y) + static_cast<size_t>(x) * 3);
    }
  }
  return out;
}

int turn_of(int orientation) {
  switch (orientation) {
    case 3:
    case 4: return 180;
    case 6:
    case 7: return 90;
    case 5:
    case 8: return 270;
    default: return 0;
  }
}

bool is_white(const Picture& picture) {
  constexpr uint8_t white = 250;
  return std::ranges::all_of(picture.rgb, [](uint8_t value) { return value >= white; });
}

bool has_one_value(const Picture& picture) {
  return std::ranges::all_of(picture.rgb, [&](uint8_t value) { return value == picture.rgb.front(); });
}

}  // namespace lectern
