// Reading of picture files: JPEG, PNG, WebP, TIFF (all pages), GIF, HEIC and AVIF (the first frame), through libvips.
//
// The result is upright (EXIF orientation applied) 8-bit RGB of square pixels: transparent places are white, or black
// where nothing would be seen on white; 16-bit samples lose their low byte, CMYK and Lab are brought to sRGB; ordinary
// RGB is passed on as it is, without colour management. Samples in floating point count as 0..1 where none is larger
// than 1, else as 0..255. What of a file is not in the result, or was changed for it, comes with it as warnings.
//
// Files are not trusted: only the loaders of these formats are ever run, and sizes are checked before decoding. Safe
// to call from many threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

class TiffPages;

struct PictureLimits {
  int64_t max_pixels = 200'000'000;
  int64_t max_side = 65'535;  // pixels; keeps what is made from a very long picture in bounds as well
};

struct UprightPicture {
  Picture picture;
  int turn = 0;    // degrees clockwise that EXIF asked for, already applied
  double dpi = 0;  // as the file says; 0 where it says nothing, or 72 and less, which stands for nothing
  // Codes: "damaged_input" (some of it may be missing), "stretched", "on_black".
  std::vector<Warning> warnings{};
};

// Contents of a file, and which of them are not read.
struct PictureContents {
  int pages = 1;                  // of a TIFF, as libvips counts them; 1 for any other picture
  std::vector<Warning> left_out;  // code "not_read": further frames
};

// Throws Error for a picture over the limits.
void check_picture_size(int64_t width, int64_t height, std::string_view name, const PictureLimits& limits);

// The warning of a picture of which nothing would be seen on white.
Warning put_on_black();

// Supported formats, and whether the installed libvips can read them.
std::vector<std::pair<std::string, bool>> picture_formats();

// `name` stands for the file in messages.
PictureContents examine_picture(const std::filesystem::path& file, const std::string& name);

// Page `index`, from 0; the others are not decoded. It takes time in proportion to `index`.
UprightPicture read_picture_page(const std::filesystem::path& file, const std::string& name, int index,
                                 const PictureLimits& limits);

// The same whatever the index.
UprightPicture read_tiff_page(const TiffPages& pages, const std::string& name, int index, const PictureLimits& limits);

// Throws Error for a file that is missing, empty, truncated, damaged, over the limits or of another format.
Picture read_picture(const std::filesystem::path& file, const PictureLimits& limits = {});

// The same from memory; name stands for the file in messages.
Picture read_picture(std::span<const std::byte> bytes, std::string_view name, const PictureLimits& limits = {});

}  // namespace lectern
