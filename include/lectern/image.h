// The picture of a page, in memory: 8-bit RGB as displayed.
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

// Copies share the pixels, which are immutable: any thread may use them.
class LECTERN_EXPORT Image {
 public:
  // A picture file: JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF, turned upright as it says; of a TIFF the first page.
  // Throws Error, naming it, when it cannot be read.
  static Image from_file(const std::filesystem::path& file);
  // The same from memory; `name` stands for it in messages.
  static Image from_bytes(std::span<const std::byte> bytes, std::string_view name = "image");
  // 8-bit RGB, rows from the top, which are copied. Throws Error unless they are 3 * width * height.
  static Image from_pixels(std::span<const uint8_t> rgb, int width, int height, std::string_view name = "image");

  int width() const;
  int height() const;
  const std::string& name() const { return name_; }
  // Rows from the top, 3 bytes a pixel: [height, width, 3]. They live as long as a copy of this image.
  std::span<const uint8_t> pixels() const;
  // For the library itself. of_page() is a page that was made elsewhere, with what is known of it; origin() is the file
  // of a Document image, null for others.
  static Image of_page(std::shared_ptr<const Picture> picture, std::string name, Page about);
  const std::shared_ptr<const Picture>& picture() const { return picture_; }
  const std::shared_ptr<const PageOrigin>& origin() const { return origin_; }
  // Damaged, unread or changed parts of the file; a Reader copies them into Page::warnings.
  const std::vector<Warning>& warnings() const { return about_.warnings; }
  // The page before it is read: number, size, resolution, turn, warnings.
  const Page& about() const { return about_; }

 private:
  friend class Document;
  Image(std::shared_ptr<const Picture> picture, std::string name, Page about);

  std::shared_ptr<const Picture> picture_;
  std::shared_ptr<const PageOrigin> origin_;
  std::string name_;
  Page about_;
};

}  // namespace lectern
