// Pictures that tests write by libvips into a temporary folder and read again.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>
#include <vips/vips8>

#include "core/temp_folder.h"
#include "image/picture_file.h"
#include "vision/crc32.h"

namespace lectern::testing {

class SavedPictures : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(vips_init("lectern_tests"), 0); }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  std::string write(const std::string& name, const std::string& bytes) const { return folder.write(name, bytes); }

  // Writes by the extension of name.
  std::string save(const vips::VImage& image, const std::string& name, vips::VOption* options = nullptr) const {
    image.write_to_file(path(name).c_str(), options);
    return path(name);
  }

  TempFolder folder;
};

inline void append_big_endian(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
}

// A chunk of a PNG: length, type, data, CRC of type and data.
inline std::string png_chunk(const std::string& type, const std::string& data) {
  std::string out;
  append_big_endian(out, static_cast<uint32_t>(data.size()));
  out += type + data;
  append_big_endian(out, crc32({reinterpret_cast<const uint8_t*>(out.data()) + 4, out.size() - 4}));
  return out;
}

template <class Sample>
vips::VImage image_of(std::vector<Sample>& samples, int width, int height, int bands, VipsBandFormat format,
                      VipsInterpretation interpretation) {
  return vips::VImage::new_from_memory(samples.data(), samples.size() * sizeof(Sample), width, height, bands, format)
      .copy(vips::VImage::option()->set("interpretation", interpretation))
      .copy_memory();
}

// Every pixel different, no side a multiple of anything: [height, width, 3].
inline Picture pattern(int width = 37, int height = 23) {
  Picture out(width, height);
  for (size_t i = 0; i < out.rgb.size(); ++i) out.rgb[i] = static_cast<uint8_t>(i * 2654435761u >> 11);
  return out;
}

inline vips::VImage image_of(Picture picture) {
  return image_of(picture.rgb, picture.width, picture.height, 3, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
}

inline void expect_equal(const Picture& got, const Picture& expected) {
  ASSERT_EQ(got.width, expected.width);
  ASSERT_EQ(got.height, expected.height);
  EXPECT_TRUE(got.rgb == expected.rgb);
}

inline std::vector<int> pixel(const Picture& picture, int x, int y) {
  const uint8_t* p = picture.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}

inline UprightPicture read_upright(const std::string& file) { return read_picture_page(file, file, 0, {}); }

inline std::vector<std::string> codes(const std::vector<Warning>& warnings) {
  std::vector<std::string> all;
  all.reserve(warnings.size());
  for (const Warning& warning : warnings) all.emplace_back(name_of(warning.code));
  return all;
}

}  // namespace lectern::testing
