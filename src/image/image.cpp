#include "lectern/image.h"

#include <fmt/format.h>

#include <utility>

#include "core/picture.h"
#include "image/picture_file.h"
#include "lectern/error.h"

namespace lectern {

Image::Image(Picture picture, std::string name)
    : picture_(std::make_shared<const Picture>(std::move(picture))), name_(std::move(name)) {}

Image Image::from_file(const std::filesystem::path& file) { return {read_picture(file), file.string()}; }

Image Image::from_bytes(std::span<const std::byte> bytes, std::string_view name) {
  return {read_picture(bytes, name), std::string(name)};
}

Image Image::from_pixels(std::span<const uint8_t> rgb, int width, int height, std::string_view name) {
  const bool sides = width > 0 && height > 0;
  if (!sides || rgb.size() / 3 / static_cast<size_t>(width) != static_cast<size_t>(height) ||
      rgb.size() % (3 * static_cast<size_t>(width)) != 0) {
    throw Error(fmt::format("{}: {} bytes are not {} x {} pixels of 3 bytes each", name, rgb.size(), width, height));
  }
  Picture picture(width, height);
  picture.rgb.assign(rgb.begin(), rgb.end());
  return {std::move(picture), std::string(name)};
}

int Image::width() const { return picture_->width; }
int Image::height() const { return picture_->height; }

}  // namespace lectern
