#include "input/raw_pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "image/picture_pixels.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Where in a pixel its colours are.
struct Channels {
  std::size_t bytes;
  std::size_t red, green, blue;
  bool alpha;  // the last byte
};

Channels channels_of(PixelFormat format, std::string_view name) {
  switch (format) {
    case PixelFormat::grey: return {1, 0, 0, 0, false};
    case PixelFormat::rgb: return {3, 0, 1, 2, false};
    case PixelFormat::bgr: return {3, 2, 1, 0, false};
    case PixelFormat::rgba: return {4, 0, 1, 2, true};
    case PixelFormat::bgra: return {4, 2, 1, 0, true};
  }
  throw Error(fmt::format("{}: there is no pixel format {}", name, static_cast<int>(format)));
}

// `ground` shows through where a pixel is transparent.
Picture converted(std::span<const uint8_t> pixels, const PixelLayout& layout, const Channels& channels,
                  std::size_t stride, unsigned ground) {
  Picture picture(layout.width, layout.height);
  for (int y = 0; y < layout.height; ++y) {
    const uint8_t* from = pixels.data() + static_cast<std::size_t>(y) * stride;
    uint8_t* to = picture.row(y);
    for (int x = 0; x < layout.width; ++x, from += channels.bytes) {
      const unsigned alpha = channels.alpha ? from[channels.bytes - 1] : 255;
      for (const std::size_t channel : {channels.red, channels.green, channels.blue})
        *to++ = static_cast<uint8_t>((from[channel] * alpha + ground * (255 - alpha) + 127) / 255);
    }
  }
  return picture;
}

}  // namespace

PixelPicture picture_of_pixels(std::span<const uint8_t> pixels, const PixelLayout& layout, std::string_view name,
                               const PictureLimits& limits) {
  const Channels channels = channels_of(layout.format, name);
  const auto width = static_cast<std::size_t>(std::max(layout.width, 0));
  const auto height = static_cast<std::size_t>(std::max(layout.height, 0));
  const std::size_t row = channels.bytes * width;
  const std::size_t stride = layout.stride == 0 ? row : layout.stride;
  // height - 1 rows and their gaps lie before the last row, whose gap may be missing.
  const bool fits = row > 0 && height > 0 && stride >= row && pixels.size() >= row &&
                    (pixels.size() - row) / stride == height - 1 && (pixels.size() - row) % stride <= stride - row;
  if (!fits) {
    throw Error(fmt::format("{}: {} bytes are not {} x {} pixels of {} bytes each{}", name, pixels.size(), layout.width,
                            layout.height, channels.bytes,
                            layout.stride == 0 ? "" : fmt::format(" in rows of {} bytes", layout.stride)));
  }
  check_picture_size(layout.width, layout.height, name, limits);
  constexpr unsigned white = 255, black = 0;
  PixelPicture made{converted(pixels, layout, channels, stride, white), {}};
  if (channels.alpha && is_white(made.picture)) {
    Picture dark = converted(pixels, layout, channels, stride, black);
    if (!has_one_value(dark)) {
      made.warnings.push_back(put_on_black());
      made.picture = std::move(dark);
    }
  }
  return made;
}

}  // namespace lectern
