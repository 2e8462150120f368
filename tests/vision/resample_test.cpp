#include "vision/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "lectern/error.h"
#include "support/plans.h"
#include "vision/crc32.h"
#include "vision/views.h"

namespace lectern {
namespace {

using testing::plan_of;

// The same formulas as in tests/data/make_resample_cases.py.
uint8_t value(const std::string& kind, uint32_t x, uint32_t y, uint32_t c) {
  if (kind == "blocks") return (x / 3 + y / 5 + c) % 2 ? 255 : 0;
  uint32_t h = x * 73856093u ^ y * 19349663u ^ c * 83492791u;
  h = (h ^ h >> 13) * 0x5bd1e995u;
  return static_cast<uint8_t>(h ^ h >> 15);
}

Picture make_picture(const std::string& kind, int width, int height) {
  Picture out(width, height);
  size_t i = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        out.rgb[i++] = value(kind, static_cast<uint32_t>(x), static_cast<uint32_t>(y), static_cast<uint32_t>(c));
      }
    }
  }
  return out;
}

TEST(Resample, EqualsPillow) {
  const auto file = nlohmann::json::parse(std::ifstream(TEST_DATA "/resample_cases.json"));
  ASSERT_GE(file["cases"].size(), 60u);
  for (const auto& c : file["cases"]) {
    const Picture in = make_picture(c["kind"], c["from"][0], c["from"][1]);
    const int width = c["to"][0], height = c["to"][1];
    Picture out;
    if (c["what"] == "pad") {
      out = make_views(in, plan_of(Mode::native, width)).whole;
    } else {
      out = resize_bicubic(in, width, height);
    }
    EXPECT_EQ(out.width, width) << c;
    EXPECT_EQ(out.height, height) << c;
    EXPECT_EQ(crc32(out.rgb), c["crc32"].get<uint32_t>()) << c;
  }
}

TEST(Resample, TheSameSizeIsACopy) {
  const Picture in = make_picture("noise", 31, 17);
  EXPECT_EQ(resize_bicubic(in, 31, 17).rgb, in.rgb);
}

TEST(Resample, AFlatPictureStaysFlat) {
  Picture in(1234, 77);
  std::fill(in.rgb.begin(), in.rgb.end(), uint8_t{201});
  for (const auto& [width, height] : {std::pair{100, 100}, {2000, 5}, {1, 1}, {1233, 78}}) {
    for (const uint8_t v : resize_bicubic(in, width, height).rgb) ASSERT_EQ(v, 201);
  }
}

TEST(Resample, RefusesSizesThatAreNotPositive) {
  const Picture in = make_picture("noise", 3, 3);
  EXPECT_THROW(resize_bicubic(in, 0, 4), Error);
  EXPECT_THROW(resize_bicubic(in, 4, -1), Error);
  EXPECT_THROW(resize_bicubic(Picture(), 4, 4), Error);
}

}  // namespace
}  // namespace lectern
