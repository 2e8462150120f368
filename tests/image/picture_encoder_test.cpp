#include "image/picture_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>

#include "image/picture_file.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

Picture decoded(const std::string& bytes) { return read_picture(std::as_bytes(std::span(bytes)), "encoded"); }

TEST(PictureEncoder, KeepsEveryPixelInPng) {
  const Picture picture = testing::picture_of(61, 37);
  EXPECT_EQ(decoded(encode_png(picture)).rgb, picture.rgb);
  Picture grey(5, 4);
  for (size_t i = 0; i < grey.rgb.size(); ++i) grey.rgb[i] = static_cast<uint8_t>(i / 3 * 12);
  EXPECT_TRUE(is_grey(grey));
  EXPECT_EQ(decoded(encode_png(grey)).rgb, grey.rgb);
  EXPECT_FALSE(is_grey(picture));
}

TEST(PictureEncoder, ShrinksAndCompresses) {
  const Picture picture = testing::picture_of(400, 200);
  const Picture same = decoded(encode_jpeg(picture, 90)), small = decoded(encode_jpeg(picture, 90, 100));
  ASSERT_EQ(same.width, 400);
  for (size_t i = 0; i < picture.rgb.size(); i += 97) EXPECT_NEAR(same.rgb[i], picture.rgb[i], 12) << i;
  EXPECT_EQ(small.width, 100);
  EXPECT_EQ(small.height, 50);
  EXPECT_EQ(decoded(encode_jpeg(testing::picture_of(40, 20), 90, 100)).width, 40);
  EXPECT_THROW(encode_png({}), Error);
}

TEST(PictureEncoder, TakesOnlyBlackAndWhiteForAFax) {
  Picture picture(40, 30);
  EXPECT_TRUE(is_black_and_white(picture));
  EXPECT_FALSE(encode_g4(picture).empty());
  EXPECT_EQ(encode_g4(picture), encode_g4(picture));
  std::fill_n(picture.row(3), 3, uint8_t{254});
  EXPECT_FALSE(is_black_and_white(picture));
  EXPECT_EQ(encode_g4(picture), "");
  EXPECT_EQ(black_and_white_bits(picture), "");
  EXPECT_EQ(encode_g4(Picture(1, 32'769)), "") << "more rows than a strip may have";
}

TEST(PictureEncoder, CropsWithinThePicture) {
  const Picture picture = testing::picture_of(40, 30);
  const Picture part = crop(picture, {3.7, 4, 9.2, 8});
  EXPECT_EQ(part.width, 7);
  EXPECT_EQ(part.height, 4);
  EXPECT_TRUE(std::equal(part.row(1), part.row(1) + 21, picture.row(5) + 9));
  const Picture edge = crop(picture, {39.5, 29.5, 500, 500});
  EXPECT_EQ(edge.width, 1);
  EXPECT_EQ(edge.height, 1);
  EXPECT_EQ(crop(picture, {-5, -5, 0, 0}).width, 1);
}

}  // namespace
}  // namespace lectern
