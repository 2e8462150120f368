// Pixels of libvips images as 8-bit RGB, and turning them upright. For files of image/ only.
#pragma once

#include <string>
#include <vips/vips8>

#include "core/picture.h"

namespace lectern {

// Decodes in the calling thread, from the top. Samples may be integers or floating point, in any number of bands; grey
// becomes RGB, alpha is flattened on white, or on black. Throws VError for damaged data, and Error, with `name`, for
// other types of samples.
Picture decode_pixels(const vips::VImage& image, const std::string& name, bool on_black);
// Of unsigned bytes in 1 or 3 bands.
Picture decode_bytes(const vips::VImage& image);

// The picture as it stands after the EXIF orientation 1..8; 5 to 8 exchange width and height.
Picture turn_upright(Picture picture, int orientation);
// Degrees clockwise of an EXIF orientation, apart from its mirroring.
int turn_of(int orientation);

bool is_white(const Picture& picture);
// Whether all bytes are the same, as of a page that shows nothing.
bool has_one_value(const Picture& picture);

}  // namespace lectern
