#include "image/picture_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vips/vips8>

#include "image/vips_start.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using vips::VError;
using vips::VImage;

// The pixels are not copied; the picture must outlive the image.
VImage image_of(const Picture& picture) {
  if (picture.width <= 0 || picture.height <= 0) throw Error("an empty picture cannot be written");
  start_vips();
  return VImage::new_from_memory(const_cast<uint8_t*>(picture.rgb.data()), picture.rgb.size(), picture.width,
                                 picture.height, 3, VIPS_FORMAT_UCHAR)
      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
}

std::string save(const VImage& image, const char* format, vips::VOption* options) try {
  void* bytes = nullptr;
  size_t size = 0;
  image.write_to_buffer(format, &bytes, &size, options);
  const std::unique_ptr<void, decltype(&g_free)> owner(bytes, &g_free);
  return {static_cast<const char*>(bytes), size};
} catch (const VError& error) {
  vips_error_clear();
  const std::string text = error.what();
  throw Error(std::string("the picture cannot be written as ") + (format + 1) + ": " + text.substr(0, text.find('\n')),
              ErrorCode::unsupported);
}

// The data of a TIFF that was just made, of one strip; empty where it has more.
std::string only_strip(const std::string& tiff) {
  const bool little = tiff.starts_with("II");
  const auto number = [&](size_t at, size_t bytes) {
    size_t value = 0;
    for (size_t i = 0; i < bytes && at + i < tiff.size(); ++i) {
      value |= size_t{static_cast<uint8_t>(tiff[at + i])} << 8 * (little ? i : bytes - 1 - i);
    }
    return value;
  };
  constexpr size_t strip_offsets = 273, strip_sizes = 279, short_type = 3;
  size_t offset = 0, size = 0;
  const size_t directory = number(4, 4), entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i, tag = number(entry, 2);
    if (tag != strip_offsets && tag != strip_sizes) continue;
    if (number(entry + 4, 4) != 1) return "";
    (tag == strip_offsets ? offset : size) = number(entry + 8, number(entry + 2, 2) == short_type ? 2 : 4);
  }
  return offset < tiff.size() && size <= tiff.size() - offset ? tiff.substr(offset, size) : "";
}

}  // namespace

Picture crop(const Picture& picture, const Box& box) {
  const int left = std::clamp(static_cast<int>(std::floor(box.left)), 0, picture.width - 1);
  const int top = std::clamp(static_cast<int>(std::floor(box.top)), 0, picture.height - 1);
  const int right = std::clamp(static_cast<int>(std::ceil(box.right)), left + 1, picture.width);
  const int bottom = std::clamp(static_cast<int>(std::ceil(box.bottom)), top + 1, picture.height);
  Picture part(right - left, bottom - top);
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(picture.row(top + y) + static_cast<size_t>(left) * 3, static_cast<size_t>(part.width) * 3, part.row(y));
  }
  return part;
}

bool is_black_and_white(const Picture& picture) {
  return std::ranges::all_of(picture.rgb, [](uint8_t sample) { return sample == 0 || sample == 255; }) &&
         is_grey(picture);
}

std::string encode_g4(const Picture& picture) {
  constexpr int max_rows = 32'768;  // of a strip, by libvips
  if (picture.height > max_rows || !is_black_and_white(picture)) return "";
  const VImage grey =
      image_of(picture).extract_band(0).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W));
  return only_strip(save(grey, ".tif",
                         VImage::option()
                             ->set("compression", VIPS_FOREIGN_TIFF_COMPRESSION_CCITTFAX4)
                             ->set("bitdepth", 1)
                             ->set("miniswhite", true)
                             ->set("tile_height", max_rows)
                             ->set("strip", true)));
}

std::string black_and_white_bits(const Picture& picture) {
  if (!is_black_and_white(picture)) return "";
  const size_t stride = (static_cast<size_t>(picture.width) + 7) / 8;
  std::string bits(stride * static_cast<size_t>(picture.height), '\0');
  for (int y = 0; y < picture.height; ++y) {
    const uint8_t* const row = picture.row(y);
    for (int x = 0; x < picture.width; ++x) {
      if (row[static_cast<size_t>(x) * 3] == 0) continue;
      char& byte = bits[static_cast<size_t>(y) * stride + static_cast<size_t>(x) / 8];
      byte = static_cast<char>(static_cast<uint8_t>(byte) | 0x80U >> (x % 8));
    }
  }
  return bits;
}

bool is_grey(const Picture& picture) {
  for (size_t i = 0; i + 2 < picture.rgb.size(); i += 3) {
    if (picture.rgb[i] != picture.rgb[i + 1] || picture.rgb[i] != picture.rgb[i + 2]) return false;
  }
  return true;
}

std::string encode_png(const Picture& picture) {
  VImage image = image_of(picture);
  if (is_grey(picture))
    image = image.extract_band(0).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W));
  return save(image, ".png", VImage::option()->set("strip", true));
}

std::string encode_jpeg(const Picture& picture, int quality, int max_side) {
  VImage image = image_of(picture);
  if (is_grey(picture))
    image = image.extract_band(0).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W));
  const int side = std::max(picture.width, picture.height);
  if (max_side > 0 && side > max_side) image = image.resize(static_cast<double>(max_side) / side);
  return save(image, ".jpg", VImage::option()->set("Q", quality)->set("strip", true)->set("optimize_coding", true));
}

}  // namespace lectern
