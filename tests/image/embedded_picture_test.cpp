#include "image/embedded_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "input/input_file.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using vips::VImage;

class EmbeddedPictures : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(vips_init("lectern_tests"), 0); }

  std::optional<EmbeddedPicture> of(const std::string& bytes) const {
    return embedded_picture(InputFile(folder.write("a.bin", bytes)).descriptor());
  }
  static std::string png(const VImage& image, bool interlaced = false) {
    void* bytes = nullptr;
    size_t size = 0;
    image.write_to_buffer(".png", &bytes, &size, VImage::option()->set("interlace", interlaced));
    std::string out(static_cast<const char*>(bytes), size);
    g_free(bytes);
    return out;
  }

  testing::TempFolder folder;
};

TEST_F(EmbeddedPictures, AJpegIsItsWholeFile) {
  const std::string bytes = encode_jpeg(testing::picture_of(40, 30), 90);
  const std::optional<EmbeddedPicture> picture = of(bytes);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->kind, EmbeddedPicture::Kind::jpeg);
  EXPECT_EQ(picture->width, 40);
  EXPECT_EQ(picture->height, 30);
  EXPECT_EQ(picture->samples, 3);
  EXPECT_EQ(picture->orientation, 1);
  EXPECT_FALSE(picture->inverted);
  ASSERT_EQ(picture->pieces.size(), 1u);
  EXPECT_EQ(picture->pieces[0].bytes, static_cast<int64_t>(bytes.size()));
  for (size_t length = 1; length < bytes.size() / 2; length += 7) of(bytes.substr(0, length));  // reads no further
}

TEST_F(EmbeddedPictures, APngIsItsData) {
  const std::optional<EmbeddedPicture> picture = of(encode_png(testing::picture_of(40, 30)));
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->kind, EmbeddedPicture::Kind::png);
  EXPECT_EQ(picture->width, 40);
  EXPECT_EQ(picture->samples, 3);
  EXPECT_EQ(picture->bits, 8);
  EXPECT_FALSE(picture->pieces.empty());
}

TEST_F(EmbeddedPictures, WhatAPdfCannotCarryIsNone) {
  const VImage grey = (VImage::black(20, 10) + 90).cast(VIPS_FORMAT_UCHAR);
  EXPECT_TRUE(of(png(grey)));
  EXPECT_FALSE(of(png(grey, true))) << "interlaced";
  EXPECT_FALSE(of(png(grey.bandjoin(128).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W)))))
      << "transparent";
  EXPECT_FALSE(of("GIF89a"));
  EXPECT_FALSE(of("x"));
  const std::string bytes = png(grey);
  for (size_t length = 1; length < bytes.size() - 12; length += 5) {
    const std::optional<EmbeddedPicture> cut = of(bytes.substr(0, length));
    for (size_t i = 0; cut && i < cut->pieces.size(); ++i) {
      EXPECT_LE(cut->pieces[i].offset + cut->pieces[i].bytes, static_cast<int64_t>(length));
    }
  }
}

TEST(ShownPicture, FollowsTheOrientationAndThenTheTurn) {
  // Where the lower left corner and the upper left one come to stand.
  const auto corners = [](int orientation, int turn) {
    const std::array<double, 6> m = shown_picture(orientation, turn);
    return std::array{m[4], m[5], m[2] + m[4], m[3] + m[5]};
  };
  EXPECT_THAT(corners(1, 0), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(corners(2, 0), ElementsAre(1, 0, 1, 1)) << "mirrored";
  EXPECT_THAT(corners(3, 0), ElementsAre(1, 1, 1, 0)) << "upside down";
  EXPECT_THAT(corners(6, 0), ElementsAre(0, 1, 1, 1)) << "a quarter clockwise";
  EXPECT_THAT(corners(8, 0), ElementsAre(1, 0, 0, 0)) << "a quarter back";
  EXPECT_EQ(corners(1, 90), corners(6, 0));
  EXPECT_EQ(corners(1, 180), corners(3, 0));
  EXPECT_EQ(corners(6, 180), corners(8, 0));
  EXPECT_EQ(corners(6, 270), corners(1, 0));
}

}  // namespace
}  // namespace lectern
