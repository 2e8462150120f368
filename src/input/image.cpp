#include "lectern/image.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "core/picture.h"
#include "input/first_page.h"
#include "input/input_file.h"
#include "lectern/error.h"

namespace lectern {

Image::Image(std::shared_ptr<const Picture> picture, std::string name, Page about)
    : picture_(std::move(picture)), name_(std::move(name)), about_(std::move(about)) {
  about_.width = picture_->width;
  about_.height = picture_->height;
}

Image Image::from_file(const std::filesystem::path& file) {
  return first_page(InputFile(file, {}, "a picture"), file.string(), {});
}

Image Image::from_bytes(std::span<const std::byte> bytes, std::string_view name) {
  return first_page(InputFile::of_bytes(bytes, std::string(name), "a picture"), std::string(name), {});
}

Image Image::of_page(std::shared_ptr<const Picture> picture, std::string name, Page about) {
  return {std::move(picture), std::move(name), std::move(about)};
}

Image Image::from_pixels(std::span<const uint8_t> rgb, int width, int height, std::string_view name) {
  const bool sides = width > 0 && height > 0;
  if (!sides || rgb.size() / 3 / static_cast<size_t>(width) != static_cast<size_t>(height) ||
      rgb.size() % (3 * static_cast<size_t>(width)) != 0) {
    throw Error(fmt::format("{}: {} bytes are not {} x {} pixels of 3 bytes each", name, rgb.size(), width, height));
  }
  Picture picture(width, height);
  picture.rgb.assign(rgb.begin(), rgb.end());
  Page about;
  about.number = 1;
  return {std::make_shared<const Picture>(std::move(picture)), std::string(name), std::move(about)};
}

std::span<const uint8_t> Image::pixels() const { return picture_->rgb; }
int Image::width() const { return picture_->width; }
int Image::height() const { return picture_->height; }

}  // namespace lectern
