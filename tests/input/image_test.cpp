#include "lectern/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using vips::VImage;

const std::filesystem::path banner = TEST_DATA "/goldens/images/banner.png";

TEST(Image, IsTheSameFromAFileFromMemoryAndFromItsPixels) {
  const Image file = Image::from_file(banner);
  const std::string bytes = testing::slurp(banner);
  const Image memory = Image::from_bytes(std::as_bytes(std::span(bytes)), "upload");
  const Image pixels = Image::from_pixels(file.pixels(), file.width(), file.height());
  EXPECT_EQ(file.name(), banner.string());
  EXPECT_EQ(memory.name(), "upload");
  for (const Image& image : {memory, pixels}) {
    EXPECT_EQ(image.width(), file.width());
    EXPECT_EQ(image.height(), file.height());
    EXPECT_TRUE(std::ranges::equal(image.pixels(), file.pixels()));
  }
}

TEST(Image, SaysWhatOfItsFileWasNotRead) {
  EXPECT_TRUE(Image::from_file(banner).warnings().empty());
  const testing::TempFolder folder;
  ASSERT_EQ(vips_init("lectern_tests"), 0);
  const VImage both = VImage::black(20, 60).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W)) + 90;
  VImage pages = both.cast(VIPS_FORMAT_UCHAR).copy();
  pages.set("page-height", 30);
  const std::string tiff = (folder / "two.tif").string();
  pages.write_to_file(tiff.c_str());
  const std::string bytes = testing::slurp(tiff);
  const Image memory = Image::from_bytes(std::as_bytes(std::span(bytes)), "upload");
  for (const Image& image : {Image::from_file(tiff), memory}) {
    EXPECT_EQ(image.height(), 30);
    ASSERT_EQ(image.warnings().size(), 1u);
    EXPECT_EQ(image.warnings()[0].code, WarningCode::not_read);
    EXPECT_EQ(image.warnings()[0].message, "1 of 2 pages was read");
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

TEST(Image, SaysOfWhatKindTheErrorIs) {
  const auto kind = [](const std::string& bytes) {
    try {
      Image::from_bytes(std::as_bytes(std::span(bytes)), "upload");
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::io;
  };
  EXPECT_EQ(kind("this is no picture"), ErrorCode::corrupt_input);
  const std::string cut = testing::slurp(banner).substr(0, 100);
  EXPECT_EQ(kind(cut), ErrorCode::corrupt_input);
  const std::string sequence(
      "\0\0\0\x1c"
      "ftypavis\0\0\0\0avisavifmsf1",
      28);
  EXPECT_EQ(kind(sequence + std::string(500, '\0')), ErrorCode::unsupported);
}

}  // namespace
}  // namespace lectern
