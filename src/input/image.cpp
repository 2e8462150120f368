#include "lectern/image.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "core/picture.h"
#include "input/input_file.h"
#include "input/page_source.h"
#include "lectern/error.h"

namespace lectern {

namespace {

struct Read {
  Picture picture;
  Page about;
};

Read first_page(InputFile file) {
  const std::unique_ptr<PageSource> source = open_picture(std::move(file), {});
  SourcePage page = source->page(0);
  Read read{std::move(page.picture), {}};
  read.about.number = 1;
  read.about.dpi = page.dpi;
  read.about.turn = page.turn;
  std::vector<Warning>& warnings = read.about.warnings;
  warnings = source->warnings();
  warnings.insert(warnings.end(), page.warnings.begin(), page.warnings.end());
  if (source->pages() > 1) {
    warnings.push_back({WarningCode::not_read, fmt::format("1 of {} pages was read", source->pages()), std::nullopt});
  }
  return read;
}

}  // namespace

Image::Image(Picture picture, std::string name, Page about)
    : picture_(std::make_shared<const Picture>(std::move(picture))), name_(std::move(name)), about_(std::move(about)) {
  about_.width = picture_->width;
  about_.height = picture_->height;
}

Image Image::from_file(const std::filesystem::path& file) {
  Read read = first_page(InputFile(file, {}, "a picture"));
  return {std::move(read.picture), file.string(), std::move(read.about)};
}

Image Image::from_bytes(std::span<const std::byte> bytes, std::string_view name) {
  Read read = first_page(InputFile::of_bytes(bytes, std::string(name), "a picture"));
  return {std::move(read.picture), std::string(name), std::move(read.about)};
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
  return {std::move(picture), std::string(name), std::move(about)};
}

std::span<const uint8_t> Image::pixels() const { return picture_->rgb; }
int Image::width() const { return picture_->width; }
int Image::height() const { return picture_->height; }

}  // namespace lectern
