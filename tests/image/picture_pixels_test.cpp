// Pixels of pictures as they are read from files: samples, orientation, transparency, proportions.
#include "image/picture_pixels.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "image/picture_file.h"
#include "image/saved_pictures.h"

namespace lectern {
namespace {

using testing::codes;
using testing::expect_equal;
using testing::image_of;
using testing::pattern;
using testing::pixel;
using testing::png_chunk;
using testing::read_upright;
using testing::slurp;
using vips::VImage;

class PicturePixels : public testing::SavedPictures {};

TEST_F(PicturePixels, ExifOrientation) {
  const Picture stored = pattern(5, 3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    VImage image = image_of(stored);
    image.set("orientation", orientation);
    image.set("exif-ifd0-Orientation", std::to_string(orientation).c_str());
    // libvips does not write the eXIf chunk of PNG: it goes behind the IHDR chunk, which ends at byte 33.
    std::string png = slurp(save(image, "plain.png"));
    std::string exif("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0", 26);
    exif[19] = static_cast<char>(orientation);
    write("b.png", png.insert(33, png_chunk("eXIf", exif)));
    save(image, "a.tif");
    for (const char* name : {"a.tif", "b.png"}) {
      const Picture got = read_picture(path(name));
      ASSERT_EQ(got.width, orientation < 5 ? 5 : 3) << orientation;
      ASSERT_EQ(got.height, orientation < 5 ? 3 : 5) << orientation;
      // Where the standard puts the stored column x, row y.
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 5; ++x) {
          const int right = 4 - x, bottom = 2 - y;
          const std::pair<int, int> at[9] = {{},     {x, y},      {right, y},      {right, bottom}, {x, bottom},
                                             {y, x}, {bottom, x}, {bottom, right}, {y, right}};
          ASSERT_EQ(pixel(got, at[orientation].first, at[orientation].second), pixel(stored, x, y))
              << name << " " << orientation;
        }
      }
    }
  }
  // A JPEG: left half dark; orientation 6 says to turn it clockwise, so that the dark half comes up.
  VImage half = (VImage::black(64, 32).insert(VImage::black(32, 32) + 240, 32, 0)).cast(VIPS_FORMAT_UCHAR);
  half.set("exif-ifd0-Orientation", "6");
  half.set("orientation", 6);
  const Picture got = read_picture(save(half, "c.jpg"));
  ASSERT_EQ(std::pair(got.width, got.height), std::pair(32, 64));
  EXPECT_LT(pixel(got, 16, 10)[0], 10);
  EXPECT_GT(pixel(got, 16, 50)[0], 230);
}

TEST_F(PicturePixels, AlphaIsFlattenedOnWhite) {
  std::vector<uint8_t> rgba = {10, 20, 30, 255, 10, 20, 30, 0, 100, 0, 200, 128};
  const VImage image = image_of(rgba, 3, 1, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
  std::vector<uint8_t> ga = {77, 255, 77, 0};
  const VImage grey = image_of(ga, 2, 1, 2, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W);
  for (const char* name : {"a.png", "b.tif"}) {
    const Picture got = read_picture(save(image, name));
    EXPECT_EQ(pixel(got, 0, 0), (std::vector{10, 20, 30}));
    EXPECT_EQ(pixel(got, 1, 0), (std::vector{255, 255, 255}));
    EXPECT_NEAR(pixel(got, 2, 0)[0], 177, 1);
    EXPECT_NEAR(pixel(got, 2, 0)[1], 127, 1);
    EXPECT_NEAR(pixel(got, 2, 0)[2], 227, 1);
    const Picture got_grey = read_picture(save(grey, name));
    EXPECT_EQ(pixel(got_grey, 0, 0), (std::vector{77, 77, 77}));
    EXPECT_EQ(pixel(got_grey, 1, 0), (std::vector{255, 255, 255}));
  }
  const Picture webp = read_picture(save(image, "c.webp", VImage::option()->set("lossless", true)));
  EXPECT_EQ(pixel(webp, 1, 0), (std::vector{255, 255, 255}));
}

TEST_F(PicturePixels, SixteenBitsLoseTheirLowByte) {
  std::vector<uint16_t> rgb = {0x00ff, 0x0100, 0x7fff, 0x8000, 0xfeff, 0xffff};
  const VImage image = image_of(rgb, 2, 1, 3, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16);
  std::vector<uint16_t> rgba = {0x1234, 0x5678, 0x9abc, 0xffff, 1, 2, 3, 0};
  const VImage alpha = image_of(rgba, 2, 1, 4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16);
  std::vector<uint16_t> levels = {0x00ff, 0x80ff};
  const VImage grey = image_of(levels, 2, 1, 1, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_GREY16);
  for (const char* name : {"a.png", "b.tif"}) {
    const Picture got = read_picture(save(image, name));
    EXPECT_EQ(pixel(got, 0, 0), (std::vector{0, 1, 0x7f})) << name;
    EXPECT_EQ(pixel(got, 1, 0), (std::vector{0x80, 0xfe, 0xff})) << name;
    const Picture flat = read_picture(save(alpha, name));
    EXPECT_EQ(pixel(flat, 0, 0), (std::vector{0x12, 0x56, 0x9a})) << name;
    EXPECT_EQ(pixel(flat, 1, 0), (std::vector{255, 255, 255})) << name;
    const Picture got_grey = read_picture(save(grey, name));
    EXPECT_EQ(pixel(got_grey, 0, 0), (std::vector{0, 0, 0})) << name;
    EXPECT_EQ(pixel(got_grey, 1, 0), (std::vector{0x80, 0x80, 0x80})) << name;
  }
}

TEST_F(PicturePixels, GreyPaletteAndOneBit) {
  std::vector<uint8_t> levels = {0, 50, 255, 128};
  const VImage grey = image_of(levels, 4, 1, 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W);
  for (const char* name : {"a.png", "b.tif"}) {
    const Picture got = read_picture(save(grey, name));
    for (int x = 0; x < 4; ++x) {
      const int level = levels[static_cast<size_t>(x)];
      EXPECT_EQ(pixel(got, x, 0), (std::vector{level, level, level}));
    }
  }
  std::vector<uint8_t> bits = {255, 0, 0, 255, 255, 255, 0, 255, 0, 0};
  const VImage page = image_of(bits, 5, 2, 1, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W);
  save(page, "a.png", VImage::option()->set("bitdepth", 1));
  save(page, "b.tif", VImage::option()->set("bitdepth", 1));
  save(page, "c.tif", VImage::option()->set("bitdepth", 1)->set("miniswhite", true));
  save(page, "d.tif",
       VImage::option()->set("bitdepth", 1)->set("compression", VIPS_FOREIGN_TIFF_COMPRESSION_CCITTFAX4));
  for (const char* name : {"a.png", "b.tif", "c.tif", "d.tif"}) {
    const Picture got = read_picture(path(name));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(pixel(got, i % 5, i / 5)[1], bits[static_cast<size_t>(i)]) << name;
  }
  const VImage colours = (image_of(Picture(32, 32)) + std::vector<double>{255, 0, 0}).cast(VIPS_FORMAT_UCHAR);
  const Picture palette = read_picture(save(colours, "e.png", VImage::option()->set("palette", true)));
  EXPECT_EQ(pixel(palette, 5, 5), (std::vector{255, 0, 0}));
}

TEST_F(PicturePixels, CmykBecomesRgb) {
  for (const char* name : {"a.jpg", "b.tif"}) {
    for (const bool ink : {false, true}) {
      std::vector<uint8_t> cmyk(16 * 16 * 4, 0);
      for (size_t i = 0; ink && i < cmyk.size(); i += 4) cmyk[i + 1] = cmyk[i + 2] = 255;  // magenta and yellow: red
      const Picture got =
          read_picture(save(image_of(cmyk, 16, 16, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK), name));
      ASSERT_EQ(got.width, 16);
      EXPECT_GT(pixel(got, 8, 8)[0], ink ? 180 : 250) << name;
      EXPECT_NEAR(pixel(got, 8, 8)[1], ink ? 30 : 253, ink ? 50 : 3) << name;
      EXPECT_NEAR(pixel(got, 8, 8)[2], ink ? 30 : 253, ink ? 50 : 3) << name;
    }
  }
  std::vector<uint16_t> deep(16 * 16 * 4, 0);
  const VImage image = image_of(deep, 16, 16, 4, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_CMYK);
  EXPECT_GT(pixel(read_picture(save(image, "c.tif")), 3, 3)[2], 250);
}

TEST_F(PicturePixels, FloatTiff) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> unit = {0, 0.5f, 1, -3, nan, 0.1f}, bytes = {0, 127, 255, 300, nan, 26};
  for (auto* values : {&unit, &bytes}) {
    const Picture rgb =
        read_picture(save(image_of(*values, 2, 1, 3, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_scRGB), "a.tif"));
    EXPECT_EQ(pixel(rgb, 0, 0), (std::vector{0, values == &unit ? 128 : 127, 255}));
    EXPECT_EQ(pixel(rgb, 1, 0), (std::vector{values == &unit ? 0 : 255, 0, 26}));
    const Picture grey =
        read_picture(save(image_of(*values, 6, 1, 1, VIPS_FORMAT_FLOAT, VIPS_INTERPRETATION_B_W), "b.tif"));
    EXPECT_EQ(pixel(grey, 2, 0), (std::vector{255, 255, 255}));
    EXPECT_EQ(pixel(grey, 4, 0), (std::vector{0, 0, 0}));
  }
}

TEST_F(PicturePixels, RgbIsNotColourManaged) {
  VImage image = image_of(pattern());
  image = image.icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  Picture raw(image.width(), image.height());
  size_t size = 0;
  void* memory = image.write_to_memory(&size);
  raw.rgb.assign(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
  g_free(memory);
  expect_equal(read_picture(save(image, "a.png")), raw);  // with the profile of Display P3 in it
}

TEST_F(PicturePixels, WhiteOnATransparentGroundIsPutOnBlack) {
  // White everywhere; opaque in the right half.
  std::vector<uint8_t> samples(20 * 10 * 4, 255);
  for (size_t i = 0; i < samples.size(); i += 4) samples[i + 3] = i / 4 % 20 < 10 ? 0 : 255;
  VImage image = image_of(samples, 20, 10, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
  for (const char* name : {"a.png", "a.webp", "a.tif"}) {
    const UprightPicture upright = read_upright(save(image, name, nullptr));
    EXPECT_EQ(codes(upright.warnings), std::vector<std::string>{"on_black"}) << name;
    EXPECT_LE(upright.picture.row(5)[0], 8) << name;
    EXPECT_GE(upright.picture.row(5)[3 * 19], 247) << name;
  }
  for (size_t i = 3; i < samples.size(); i += 4) samples[i] = 0;
  image = image_of(samples, 20, 10, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
  const UprightPicture nothing = read_upright(save(image, "b.png"));
  EXPECT_TRUE(nothing.warnings.empty());
  EXPECT_EQ(nothing.picture.rgb[0], 255);
  samples[3] = 255;
  samples[0] = samples[1] = samples[2] = 0;  // something is seen on white
  image = image_of(samples, 20, 10, 4, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
  EXPECT_TRUE(read_upright(save(image, "c.png")).warnings.empty());
}

TEST_F(PicturePixels, PixelsThatAreNotSquareAreStretched) {
  const auto of = [&](double across, double down, const char* name, int width = 256, int height = 64) {
    const VImage image =
        image_of(Picture(width, height)).copy(VImage::option()->set("xres", across / 25.4)->set("yres", down / 25.4));
    return read_upright(save(image, name));
  };
  const UprightPicture fax = of(204, 98, "fax.tif");
  EXPECT_EQ(codes(fax.warnings), std::vector<std::string>{"stretched"});
  EXPECT_EQ(fax.picture.width, 256);
  EXPECT_EQ(fax.picture.height, 133);
  EXPECT_NEAR(fax.dpi, 204, 0.5);
  const UprightPicture tall = of(100, 200, "tall.png");
  EXPECT_EQ(tall.picture.width, 512);
  EXPECT_EQ(tall.picture.height, 64);
  EXPECT_NEAR(tall.dpi, 200, 0.5);
  EXPECT_EQ(of(98, 204, "a.jpg").picture.width, 533);
  for (const char* name : {"s.tif", "s.png", "s.jpg"}) {
    const UprightPicture square = of(300, 300, name);
    EXPECT_EQ(square.picture.height, 64) << name;
    EXPECT_TRUE(square.warnings.empty()) << name;
    EXPECT_EQ(square.dpi, 300) << name;
  }
  EXPECT_EQ(of(72, 72, "unknown.jpg").dpi, 0);
  const UprightPicture mistaken = of(300, 40, "mistaken.tif");
  EXPECT_EQ(mistaken.picture.height, 64);
  EXPECT_EQ(codes(mistaken.warnings), std::vector<std::string>{"stretched"});
  EXPECT_EQ(mistaken.dpi, 0);
}

TEST_F(PicturePixels, StretchingKeepsWithinTheLimits) {
  const VImage image =
      image_of(Picture(200, 100)).copy(VImage::option()->set("xres", 200 / 25.4)->set("yres", 100 / 25.4));
  const UprightPicture upright = read_picture_page(save(image, "a.tif"), "a.tif", 0, {.max_pixels = 20'000});
  EXPECT_LE(upright.picture.width * upright.picture.height, 20'100);
  EXPECT_NEAR(upright.picture.width, upright.picture.height, 1);
}

}  // namespace
}  // namespace lectern
