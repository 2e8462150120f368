// The picture of a page, in memory: 8-bit RGB as displayed.
//
//   cv::Mat mat = ...;  // 8UC3
//   lectern::Image image = lectern::Image::from_pixels(
//       {mat.data, mat.step * mat.rows}, {lectern::PixelFormat::bgr, mat.cols, mat.rows, mat.step}, "camera");
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/export.h"
#include "lectern/page.h"

namespace lectern {

struct PageOrigin;
struct Picture;

// Bytes of a pixel, in order. Alpha: 0 is transparent; colours are not multiplied by it.
enum class PixelFormat : uint8_t { grey, rgb, bgr, rgba, bgra };

struct PixelLayout {
  PixelFormat format = PixelFormat::rgb;
  int width = 0;
  int height = 0;
  std::size_t stride = 0;  // bytes from a row to the next; 0: no gaps
};

// Copies share the pixels, which are immutable: any thread may use them.
class LECTERN_EXPORT Image {
 public:
  // A picture file: JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF, turned upright as it says; of a TIFF the first page.
  // Throws Error, naming it, when it cannot be read.
  static Image from_file(const std::filesystem::path& file);
  // The same from memory; `name` stands for it in messages.
  static Image from_bytes(std::span<const std::byte> bytes, std::string_view name = "image");
  // 8-bit RGB, rows from the top, which are copied. Throws Error unless they are 3 * width * height, and for pictures
  // that are too large in a file, too.
  static Image from_pixels(std::span<const uint8_t> rgb, int width, int height, std::string_view name = "image");
  // The same of another layout. The gap behind the last row may be missing. Transparent places become white, or black
  // where nothing would be seen on white.
  static Image from_pixels(std::span<const uint8_t> pixels, const PixelLayout& layout, std::string_view name = "image");

  int width() const;
  int height() const;
  const std::string& name() const { return name_; }
  // Rows from the top, 3 bytes a pixel: [height, width, 3]. They live as long as a copy of this image.
  std::span<const uint8_t> pixels() const;
  // Damaged, unread or changed parts of the file; a Reader copies them into Page::warnings.
  const std::vector<Warning>& warnings() const { return about_.warnings; }
  // The page before it is read: number, size, resolution, turn, warnings.
  const Page& about() const { return about_; }

 private:
  friend struct ImageParts;
  Image(std::shared_ptr<const Picture> picture, std::string name, Page about);

  std::shared_ptr<const Picture> picture_;
  std::shared_ptr<const PageOrigin> origin_;
  std::string name_;
  Page about_;
};

}  // namespace lectern
