// Files of pictures: formats, damage, limits, frames. Their pixels: picture_pixels_test.cpp.
#include "image/picture_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "image/saved_pictures.h"
#include "lectern/error.h"
#include "vision/crc32.h"

namespace lectern {
namespace {

using testing::append_big_endian;
using testing::codes;
using testing::expect_equal;
using testing::image_of;
using testing::pattern;
using testing::pixel;
using testing::png_chunk;
using testing::read_upright;
using testing::slurp;
using vips::VImage;
namespace fs = std::filesystem;

class PictureFile : public testing::SavedPictures {};

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

// Largest difference of any sample.
int distance(const Picture& a, const Picture& b) {
  if (a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
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
  EXPECT_TRUE(has(failure(folder.path()), "is a folder"));
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

TEST_F(PictureFile, FramesOfAnAnimatedPngAreCounted) {
  std::string bytes = slurp(save(VImage::black(8, 8), "still.png"));
  const std::string length("\0\0\0\x08", 4), frames("\0\0\0\x05", 4), plays(4, '\0');
  bytes.insert(8 + 25, length + "acTL" + frames + plays + "\x41\xad\x4f\x60");  // behind IHDR
  const PictureContents contents = examine_picture(write("moving.png", bytes), "moving.png");
  ASSERT_EQ(contents.left_out.size(), 1);
  EXPECT_EQ(contents.left_out[0].message, "1 of 5 frames was read");
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
