#include "input/raw_pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "lectern/error.h"
#include "lectern/image.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<uint8_t> pixels_of(const Image& image) { return {image.pixels().begin(), image.pixels().end()}; }

// Two pixels a row and two rows, of every format, with gaps between rows and without.
TEST(RawPixels, AreOfEveryFormat) {
  const std::vector<uint8_t> expected = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<std::pair<PixelFormat, std::vector<uint8_t>>> cases = {
      {PixelFormat::rgb, expected},
      {PixelFormat::bgr, {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}},
      {PixelFormat::rgba, {1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255}},
      {PixelFormat::bgra, {3, 2, 1, 255, 6, 5, 4, 255, 9, 8, 7, 255, 12, 11, 10, 255}}};
  for (const auto& [format, bytes] : cases) {
    EXPECT_EQ(pixels_of(Image::from_pixels(bytes, {format, 2, 2})), expected);
    const size_t row = bytes.size() / 2;
    std::vector<uint8_t> apart(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(row));
    apart.insert(apart.end(), 5, 99);
    apart.insert(apart.end(), bytes.begin() + static_cast<std::ptrdiff_t>(row), bytes.end());
    for (int gap = 0; gap < 2; ++gap) {  // the last row's
      EXPECT_EQ(pixels_of(Image::from_pixels(apart, {format, 2, 2, row + 5})), expected);
      apart.insert(apart.end(), 5, 99);
    }
    EXPECT_THROW(Image::from_pixels(apart, {format, 2, 2, row + 5}), Error);
    EXPECT_THROW(Image::from_pixels(bytes, {format, 2, 2, row - 1}), Error) << "rows over each other";
    EXPECT_THROW(Image::from_pixels(bytes, {format, 2, 3}), Error);
    EXPECT_THROW(Image::from_pixels({}, {format, 0, 0}), Error);
  }
  const std::vector<uint8_t> grey = {7, 8};
  EXPECT_EQ(pixels_of(Image::from_pixels(grey, {PixelFormat::grey, 1, 2})), (std::vector<uint8_t>{7, 7, 7, 8, 8, 8}));
  EXPECT_THROW(Image::from_pixels(grey, {static_cast<PixelFormat>(77), 1, 2}), Error);
}

TEST(RawPixels, ThatAreTransparentShowWhiteOrWhereNothingWouldBeSeenBlack) {
  const std::vector<uint8_t> ink = {0, 0, 0, 255, 0, 0, 0, 0, 100, 100, 100, 51};
  const Image on_white = Image::from_pixels(ink, {PixelFormat::rgba, 3, 1});
  EXPECT_EQ(pixels_of(on_white), (std::vector<uint8_t>{0, 0, 0, 255, 255, 255, 224, 224, 224}));
  EXPECT_TRUE(on_white.warnings().empty());
  const std::vector<uint8_t> chalk = {255, 255, 255, 255, 255, 255, 255, 0};
  const Image on_black = Image::from_pixels(chalk, {PixelFormat::bgra, 2, 1});
  EXPECT_EQ(pixels_of(on_black), (std::vector<uint8_t>{255, 255, 255, 0, 0, 0}));
  ASSERT_EQ(on_black.warnings().size(), 1u);
  EXPECT_EQ(on_black.warnings()[0].code, WarningCode::on_black);
}

TEST(RawPixels, HaveTheLimitsOfFiles) {
  const std::vector<uint8_t> strip(70'000, 255);
  EXPECT_EQ(Image::from_pixels(std::span(strip).first(65'535), {PixelFormat::grey, 65'535, 1}).width(), 65'535);
  EXPECT_THAT(
      [&] {
        Image::from_pixels(strip, {PixelFormat::grey, 1, 70'000}, "strip");
      },
      ThrowsMessage<Error>(HasSubstr("strip: the picture has 1 x 70000 pixels; the limit is 65535 a side")));
}

}  // namespace
}  // namespace lectern
