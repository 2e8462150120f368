// The files under test are written by libvips into a temporary folder.
#include "image/picture_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "vision/crc32.h"

namespace lectern {
namespace {

using vips::VImage;
namespace fs = std::filesystem;

class PictureFile : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(vips_init("lectern_tests"), 0); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, const std::string& bytes) const { return folder_.write(name, bytes); }

  // Writes by the extension of name.
  std::string save(const VImage& image, const std::string& name, vips::VOption* options = nullptr) const {
    image.write_to_file(path(name).c_str(), options);
    return path(name);
  }

  testing::TempFolder folder_;
};

void append_big_endian(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
}

// A chunk of a PNG: length, type, data, CRC of type and data.
std::string png_chunk(const std::string& type, const std::string& data) {
  std::string out;
  append_big_endian(out, static_cast<uint32_t>(data.size()));
  out += type + data;
  append_big_endian(out, crc32({reinterpret_cast<const uint8_t*>(out.data()) + 4, out.size() - 4}));
  return out;
}

std::string slurp(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string failure(const fs::path& file, const PictureLimits& limits = {}) {
  ::testing::internal::CaptureStderr();
  std::string message = "no error";
  try {
    read_picture(file, limits);
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

template <class Sample>
VImage image_of(std::vector<Sample>& samples, int width, int height, int bands, VipsBandFormat format,
                VipsInterpretation interpretation) {
  return VImage::new_from_memory(samples.data(), samples.size() * sizeof(Sample), width, height, bands, format)
      .copy(VImage::option()->set("interpretation", interpretation))
      .copy_memory();
}

// Every pixel different, no side a multiple of anything: [height, width, 3].
Picture pattern(int width = 37, int height = 23) {
  Picture out(width, height);
  for (size_t i = 0; i < out.rgb.size(); ++i) out.rgb[i] = static_cast<uint8_t>(i * 2654435761u >> 11);
  return out;
}

VImage image_of(Picture picture) {
  return image_of(picture.rgb, picture.width, picture.height, 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
}

void expect_equal(const Picture& got, const Picture& expected) {
  ASSERT_EQ(got.width, expected.width);
  ASSERT_EQ(got.height, expected.height);
  EXPECT_TRUE(got.rgb == expected.rgb);
}

// Largest difference of any sample.
int distance(const Picture& a, const Picture& b) {
  if (a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

std::vector<int> pixel(const Picture& picture, int x, int y) {
  const uint8_t* p = picture.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}

TEST_F(PictureFile, GoldenPicturesAreThoseOfPillow) {
  // CRC-32 of Image.open(...).convert("RGB").tobytes().
  const std::vector<std::tuple<std::string, int, int, uint32_t>> expected = {
      {"page", 1000, 1400, 0x226ada0au},
      {"receipt", 420, 600, 0x89bc2dc9u},
      {"banner", 1500, 330, 0x51bfc0fbu},
      {"noise", 801, 777, 0x75b49bdeu},
  };
  for (const auto& [name, width, height, crc] : expected) {
    const Picture picture = read_picture(TEST_DATA "/goldens/images/" + name + ".png");
    EXPECT_EQ(std::pair(picture.width, picture.height), std::pair(width, height)) << name;
    EXPECT_EQ(crc32(picture.rgb), crc) << name;
  }
}

TEST_F(PictureFile, LosslessFormatsAreExact) {
  const VImage image = image_of(pattern());
  expect_equal(read_picture(save(image, "a.png")), pattern());
  expect_equal(read_picture(save(image, "b.png", VImage::option()->set("interlace", true))), pattern());
  expect_equal(read_picture(save(image, "c.webp", VImage::option()->set("lossless", true))), pattern());
  for (const auto compression : {VIPS_FOREIGN_TIFF_COMPRESSION_NONE, VIPS_FOREIGN_TIFF_COMPRESSION_LZW,
                                 VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, VIPS_FOREIGN_TIFF_COMPRESSION_PACKBITS}) {
    expect_equal(read_picture(save(image, "d.tif", VImage::option()->set("compression", compression))), pattern());
  }
  expect_equal(read_picture(save(image, "e.tif", VImage::option()->set("tile", true))), pattern());
}

TEST_F(PictureFile, FromMemory) {
  const std::string bytes = slurp(save(image_of(pattern()), "a.png"));
  expect_equal(read_picture(std::as_bytes(std::span(bytes)), "upload"), pattern());
  EXPECT_THROW(read_picture(std::span<const std::byte>(), "upload"), Error);
  EXPECT_THROW(read_picture(std::as_bytes(std::span(bytes)).first(100), "upload"), Error);
}

// HEIC and AVIF come from data/pictures: not every libvips can write them.
TEST_F(PictureFile, LossyFormatsAreClose) {
  const VImage flat = (image_of(Picture(64, 48)) + std::vector<double>{200, 90, 40}).cast(VIPS_FORMAT_UCHAR);
  const std::string pictures = TEST_DATA "/pictures/";
  for (const std::string& file :
       {save(flat, "a.jpg"), save(flat, "b.webp"), save(flat, "c.gif"),
        save(flat.colourspace(VIPS_INTERPRETATION_LAB), "lab.tif"), pictures + "flat.heic", pictures + "flat.avif"}) {
    const Picture got = read_picture(file);
    ASSERT_EQ(std::pair(got.width, got.height), std::pair(64, 48)) << file;
    EXPECT_NEAR(pixel(got, 30, 20)[0], 200, 4) << file;
    EXPECT_NEAR(pixel(got, 30, 20)[1], 90, 4) << file;
    EXPECT_NEAR(pixel(got, 30, 20)[2], 40, 4) << file;
  }
}

TEST_F(PictureFile, ExifOrientation) {
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

TEST_F(PictureFile, AlphaIsFlattenedOnWhite) {
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

TEST_F(PictureFile, SixteenBitsLoseTheirLowByte) {
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

TEST_F(PictureFile, GreyPaletteAndOneBit) {
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

TEST_F(PictureFile, CmykBecomesRgb) {
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

TEST_F(PictureFile, FloatTiff) {
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

TEST_F(PictureFile, FirstOfManyPages) {
  VImage pages = image_of(pattern(20, 60));
  pages.set("page-height", 20);
  Picture first = pattern(20, 60);
  first.height = 20;
  first.rgb.resize(20 * 20 * 3);
  expect_equal(read_picture(save(pages, "a.tif")), first);
  VImage frames = VImage::black(16, 48, VImage::option()->set("bands", 3)) + 250;
  frames = frames.cast(VIPS_FORMAT_UCHAR).copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
  frames = frames.insert(VImage::black(16, 16, VImage::option()->set("bands", 3)), 0, 16).copy_memory();
  frames.set("page-height", 16);
  for (const char* name : {"b.gif", "c.webp"}) {
    const Picture got = read_picture(save(frames, name));
    ASSERT_EQ(std::pair(got.width, got.height), std::pair(16, 16)) << name;
    EXPECT_GT(pixel(got, 8, 8)[0], 240) << name;
  }
}

TEST_F(PictureFile, RgbIsNotColourManaged) {
  VImage image = image_of(pattern());
  image = image.icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  Picture raw(image.width(), image.height());
  size_t size = 0;
  void* memory = image.write_to_memory(&size);
  raw.rgb.assign(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
  g_free(memory);
  expect_equal(read_picture(save(image, "a.png")), raw);  // with the profile of Display P3 in it
}

TEST_F(PictureFile, TruncatedPictures) {
  Picture noise(300, 200);
  for (size_t i = 0; i < noise.rgb.size(); ++i) noise.rgb[i] = static_cast<uint8_t>(i * i * 2654435761u >> 13);
  for (const char* name : {"a.jpg", "b.png", "c.webp", "d.tif", "e.gif"}) {
    const std::string bytes = slurp(save(image_of(noise), name));
    for (const double part : {0.02, 0.2, 0.5, 0.9, 0.98}) {
      const auto length = static_cast<size_t>(static_cast<double>(bytes.size()) * part);
      const std::string message = failure(write(std::string("cut-") + name, bytes.substr(0, length)));
      EXPECT_TRUE(has(message, std::string("cut-") + name + ": damaged or incomplete ")) << part << " " << message;
    }
    for (const size_t length : {1u, 3u, 5u, 13u}) {
      EXPECT_NE(failure(write(std::string("cut-") + name, bytes.substr(0, length))), "no error");
    }
  }
  for (const char* name : {"flat.heic", "flat.avif"}) {
    const std::string bytes = slurp(TEST_DATA "/pictures/" + std::string(name));
    for (const size_t length : {20u, 100u, 250u, static_cast<unsigned>(bytes.size()) - 3}) {
      EXPECT_TRUE(has(failure(write(name, bytes.substr(0, length))), "damaged or incomplete HEIC or AVIF")) << length;
    }
  }
}

// Whatever the bytes are, there is a picture or an Error of one line.
TEST_F(PictureFile, DamagedPicturesDoNotCrash) {
  uint32_t random = 12345;
  const auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 8; };
  for (const char* name : {"a.jpg", "b.png", "c.webp", "d.tif", "e.gif"}) {
    const std::string bytes = slurp(save(image_of(pattern(60, 40)), name));
    for (int i = 0; i < 60; ++i) {
      std::string broken = bytes;
      for (int k = 0; k < 4; ++k) broken[next() % broken.size()] = static_cast<char>(next());
      failure(write(std::string("broken-") + name, broken), {.max_pixels = 1'000'000});
    }
  }
}

TEST_F(PictureFile, DamagedPngChecksum) {
  std::string bytes = slurp(save(image_of(pattern(60, 40)), "a.png"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  EXPECT_TRUE(has(failure(write("b.png", bytes)), "damaged or incomplete PNG"));
}

TEST_F(PictureFile, LimitsAreCheckedBeforeDecoding) {
  // A PNG header alone: signature, IHDR of 100000 x 100000, no pixels.
  const std::string file =
      write("bomb.png", "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", {"\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0", 13}) +
                            png_chunk("IDAT", std::string(4096, 'x')));
  EXPECT_TRUE(has(failure(file), "bomb.png: the picture has 100000 x 100000 pixels; the limit is 65535 a side"));
  EXPECT_TRUE(has(failure(file, {.max_side = 1 << 20}), "100000 x 100000 pixels; the limit is 200000000 in all"));
  const std::string small = save(image_of(pattern()), "small.png");
  EXPECT_TRUE(has(failure(small, {.max_pixels = 37 * 23 - 1}), "37 x 23 pixels; the limit is 850 in all"));
  EXPECT_NO_THROW(read_picture(small, {.max_pixels = 37 * 23}));
}

TEST_F(PictureFile, SizesThatNoPictureHasAreToldInWords) {
  for (const uint32_t side : {0u, 2147483647u}) {
    std::string head;
    append_big_endian(head, side);
    append_big_endian(head, side);
    const std::string bytes = "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", head + std::string("\x08\x02\0\0\0", 5)) +
                              png_chunk("IDAT", "x") + png_chunk("IEND", "");
    try {
      read_picture(write("size.png", bytes));
      FAIL() << side;
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_TRUE(text.find("pixels; the limit is") != std::string::npos || text.find("damaged") != std::string::npos)
          << text;
    }
  }
}

TEST_F(PictureFile, WhatIsNotAPicture) {
  EXPECT_TRUE(has(failure(path("missing.png")), "missing.png: cannot open: "));
  EXPECT_TRUE(has(failure(folder_.path()), "is a folder"));
  EXPECT_TRUE(has(failure("/dev/null"), "not a regular file"));
  EXPECT_TRUE(has(failure(write("empty.png", "")), "empty.png: the file is empty"));
  const std::string expected = ": not a picture of a known format; expected JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF";
  const std::vector<std::pair<std::string, std::string>> others = {
      {"text.png", "This is no picture.\n"},
      {"matrix.png", "2 2\n1 2\n3 4\n"},
      {"table.csv", "1,2\n3,4\n"},
      {"a.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"},
      {"a.ppm", "P3 1 1 255 1 2 3\n"},
      {"a.pdf", "%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"},
      {"a.bmp",
       std::string("BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0", 30) + std::string(28, '\0')}};
  for (const auto& [name, bytes] : others) {
    const std::string file = write(name, bytes);
    EXPECT_EQ(failure(file), file + expected);
  }
  EXPECT_FALSE(has(failure(write("two\nlines.png", "x")), "\n"));
}

TEST_F(PictureFile, FromManyThreads) {
  const std::string good = save(image_of(pattern(200, 150)), "a.png");
  const std::string bad = write("bad.png", slurp(good).substr(0, 500));
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        right[t] += distance(read_picture(good), pattern(200, 150)) == 0;
        try {
          read_picture(bad);
        } catch (const Error& error) {
          right[t] += has(error.what(), "bad.png: damaged or incomplete PNG");
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const int count : right) EXPECT_EQ(count, 40);
}

UprightPicture read_upright(const std::string& file) { return read_picture_page(file, file, 0, {}); }

std::vector<std::string> codes(const std::vector<Warning>& warnings) {
  std::vector<std::string> all;
  for (const Warning& warning : warnings) all.emplace_back(name_of(warning.code));
  return all;
}

TEST_F(PictureFile, WhiteOnATransparentGroundIsPutOnBlack) {
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

TEST_F(PictureFile, AJpegWithoutItsEndMarkIsReadWithAWarning) {
  const std::string whole = slurp(save(image_of(pattern(64, 48)), "a.jpg"));
  ASSERT_EQ(whole.substr(whole.size() - 2), "\xff\xd9");
  const UprightPicture cut = read_upright(write("b.jpg", whole.substr(0, whole.size() - 2)));
  EXPECT_EQ(codes(cut.warnings), std::vector<std::string>{"damaged_input"});
  expect_equal(cut.picture, read_picture(path("a.jpg")));
  EXPECT_TRUE(has(failure(write("c.jpg", whole.substr(0, whole.size() / 2))), "damaged or incomplete JPEG"));
  EXPECT_TRUE(read_upright(path("a.jpg")).warnings.empty());
}

TEST_F(PictureFile, AJpegThatIsDamagedInsideIsReadWithAWarning) {
  std::string bytes = slurp(save(image_of(pattern(200, 200)), "a.jpg"));
  bytes.replace(bytes.size() / 2, 2, "\xff\xd3");  // a mark where none belongs
  const UprightPicture upright = read_upright(write("b.jpg", bytes));
  ASSERT_EQ(codes(upright.warnings), std::vector<std::string>{"damaged_input"});
  EXPECT_TRUE(has(upright.warnings[0].message, "the picture is damaged: ")) << upright.warnings[0].message;
}

TEST_F(PictureFile, PixelsThatAreNotSquareAreStretched) {
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

TEST_F(PictureFile, StretchingKeepsWithinTheLimits) {
  const VImage image =
      image_of(Picture(200, 100)).copy(VImage::option()->set("xres", 200 / 25.4)->set("yres", 100 / 25.4));
  const UprightPicture upright = read_picture_page(save(image, "a.tif"), "a.tif", 0, {.max_pixels = 20'000});
  EXPECT_LE(upright.picture.width * upright.picture.height, 20'100);
  EXPECT_NEAR(upright.picture.width, upright.picture.height, 1);
}

TEST_F(PictureFile, FramesThatAreNotReadAreCounted) {
  std::vector<VImage> frames = {VImage::black(8, 8) + 0, VImage::black(8, 8) + 90, VImage::black(8, 8) + 255};
  VImage all = VImage::arrayjoin(frames, VImage::option()->set("across", 1)).cast(VIPS_FORMAT_UCHAR).copy();
  all.set("page-height", 8);
  for (const char* name : {"a.gif", "a.webp"}) {
    const PictureContents contents = examine_picture(save(all, name), name);
    EXPECT_EQ(contents.pages, 1) << name;
    ASSERT_EQ(contents.left_out.size(), 1) << name;
    EXPECT_EQ(contents.left_out[0].code, WarningCode::not_read);
    EXPECT_EQ(contents.left_out[0].message, "1 of 3 frames was read") << name;
  }
  EXPECT_TRUE(examine_picture(save(VImage::black(8, 8), "still.gif"), "still.gif").left_out.empty());
  EXPECT_TRUE(examine_picture(save(VImage::black(8, 8), "still.png"), "still.png").left_out.empty());
}

TEST_F(PictureFile, AnAnimatedAvifIsCalledSo) {
  const std::string start(
      "\0\0\0\x1c"
      "ftypavis\0\0\0\0avisavifmsf1",
      28);
  const std::string message = failure(write("a.avif", start + std::string(500, '\0')));
  EXPECT_TRUE(has(message, "a.avif: an animated AVIF or HEIC (a sequence of pictures), which is not read")) << message;
}

}  // namespace
}  // namespace lectern
