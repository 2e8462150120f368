#include "vision/interpolate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/values.h"

namespace lectern {
namespace {

// The same formula as in tests/data/make_interpolate_cases.py.
std::vector<float> table(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>((static_cast<uint32_t>(i) * 2654435761u) >> 8) / 8388608.0f - 1.0f);
  return values;
}

TEST(Interpolate, EqualsPyTorch) {
  const auto file = nlohmann::json::parse(std::ifstream(TEST_DATA "/interpolate_cases.json"));
  ASSERT_GE(file["cases"].size(), 25u);
  for (const auto& c : file["cases"]) {
    const int64_t from = c["from"], to = c["to"], channels = c["channels"];
    const bool grid = c["kind"] == "grid";
    const std::vector<float> result = grid ? resize_grid(table(from * from * channels).data(), from, to, channels)
                                           : resize_line(table(from * channels).data(), from, to, channels);
    ASSERT_EQ(result.size(), static_cast<size_t>((grid ? to * to : to) * channels));
    std::vector<float> kept;
    for (size_t i = 0; i < result.size(); i += c["step"].get<size_t>()) kept.push_back(result[i]);
    EXPECT_LT(testing::relative_error(kept, c["values"].get<std::vector<double>>()), 1e-5)
        << c["kind"] << " " << from << " -> " << to;
  }
}

TEST(Interpolate, TheSameSizeIsACopy) {
  const std::vector<float> in = table(9 * 9 * 3);
  EXPECT_EQ(resize_grid(in.data(), 9, 9, 3), in);
  EXPECT_EQ(resize_line(in.data(), 81, 81, 3), in);
}

TEST(Interpolate, WhatIsFlatStaysFlat) {
  const std::vector<float> in(16 * 16 * 2, 0.625f);
  for (const int64_t to : {1, 5, 15, 17, 40}) {
    for (const float x : resize_grid(in.data(), 16, to, 2)) EXPECT_NEAR(x, 0.625f, 1e-6);
    for (const float x : resize_line(in.data(), 256, to, 2)) EXPECT_NEAR(x, 0.625f, 1e-6);
  }
}

}  // namespace
}  // namespace lectern
