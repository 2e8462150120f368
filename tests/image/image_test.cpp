#include "lectern/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/picture.h"
#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::filesystem::path banner = TEST_DATA "/goldens/images/banner.png";

TEST(Image, IsTheSameFromAFileFromMemoryAndFromItsPixels) {
  const Image file = Image::from_file(banner);
  const std::string bytes = testing::slurp(banner);
  const Image memory = Image::from_bytes(std::as_bytes(std::span(bytes)), "upload");
  const Image pixels = Image::from_pixels(file.picture()->rgb, file.width(), file.height());
  EXPECT_EQ(file.name(), banner.string());
  EXPECT_EQ(memory.name(), "upload");
  for (const Image& image : {memory, pixels}) {
    EXPECT_EQ(image.width(), file.width());
    EXPECT_EQ(image.height(), file.height());
    EXPECT_EQ(image.picture()->rgb, file.picture()->rgb);
  }
}

TEST(Image, RefusesPixelsOfAnotherSize) {
  const std::vector<uint8_t> rgb(24);
  EXPECT_EQ(Image::from_pixels(rgb, 4, 2).height(), 2);
  constexpr int huge = std::numeric_limits<int>::max();
  const std::vector<std::pair<int, int>> sizes = {{4, 3}, {3, 2}, {0, 0}, {-4, -2}, {5, 1}, {huge, huge}};
  for (const std::pair<int, int>& size : sizes) {
    EXPECT_THAT([&] { Image::from_pixels(rgb, size.first, size.second, "array"); },
                ThrowsMessage<Error>(HasSubstr("array: 24 bytes are not")));
  }
}

TEST(Image, NamesWhatCannotBeRead) {
  const std::string junk = "this is no picture";
  EXPECT_THAT([&] { Image::from_bytes(std::as_bytes(std::span(junk)), "upload 7"); },
              ThrowsMessage<Error>(HasSubstr("upload 7: ")));
}

}  // namespace
}  // namespace lectern
