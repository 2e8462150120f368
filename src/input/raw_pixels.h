// Raw pixels of a program's own as a picture, within the limits that files have.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/picture.h"
#include "image/picture_file.h"
#include "lectern/image.h"

namespace lectern {

struct PixelPicture {
  Picture picture;
  std::vector<Warning> warnings;  // on_black
};

// Throws Error, with `name`, where the bytes are not of this layout, or the picture is over the limits.
PixelPicture picture_of_pixels(std::span<const uint8_t> pixels, const PixelLayout& layout, std::string_view name,
                               const PictureLimits& limits = {});

}  // namespace lectern
