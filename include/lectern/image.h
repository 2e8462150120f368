// The picture of a page, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/page.h"

#include "lectern/export.h"

namespace lectern {

struct Picture;

// Copies share the pixels, which nobody changes.
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
  const std::shared_ptr<const Picture>& picture() const { return picture_; }
  // What of the file is damaged, not read or was changed; a Reader passes it on.
  const std::vector<Warning>& warnings() const { return warnings_; }

 private:
  Image(Picture picture, std::string name, std::vector<Warning> warnings = {});

  std::shared_ptr<const Picture> picture_;
  std::string name_;
  std::vector<Warning> warnings_;
};

}  // namespace lectern
