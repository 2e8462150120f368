#include "lectern/image.h"

#include <memory>
#include <utility>

#include "core/picture.h"
#include "input/first_page.h"
#include "input/image_parts.h"
#include "input/input_file.h"
#include "input/raw_pixels.h"

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

Image ImageParts::make(std::shared_ptr<const Picture> picture, std::string name, Page about,
                       std::shared_ptr<const PageOrigin> origin) {
  Image image(std::move(picture), std::move(name), std::move(about));
  image.origin_ = std::move(origin);
  return image;
}

Image Image::from_pixels(std::span<const uint8_t> rgb, int width, int height, std::string_view name) {
  return from_pixels(rgb, {.width = width, .height = height}, name);
}

Image Image::from_pixels(std::span<const uint8_t> pixels, const PixelLayout& layout, std::string_view name) {
  PixelPicture made = picture_of_pixels(pixels, layout, name);
  Page about;
  about.number = 1;
  about.warnings = std::move(made.warnings);
  return {std::make_shared<const Picture>(std::move(made.picture)), std::string(name), std::move(about)};
}

std::span<const uint8_t> Image::pixels() const { return picture_->rgb; }
int Image::width() const { return picture_->width; }
int Image::height() const { return picture_->height; }

}  // namespace lectern
