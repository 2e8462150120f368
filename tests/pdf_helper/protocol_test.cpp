#include "pdf_helper/protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lectern::pdf {
namespace {

Request wish(double dpi, int64_t max_pixels = 200'000'000, int64_t max_side = 65'535) {
  Request request;
  request.dpi = dpi;
  request.max_pixels = max_pixels;
  request.max_side = max_side;
  return request;
}

TEST(Protocol, KeepsTheResolutionOfPagesThatFit) {
  EXPECT_EQ(fitting_dpi(595.276, 841.89, wish(200)), 200);
  EXPECT_EQ(fitting_dpi(1, 1, wish(600)), 600);
  EXPECT_EQ(pixels_along(595.276, 200), 1654);
  EXPECT_EQ(pixels_along(0.01, 72), 1);
}

TEST(Protocol, LowersItJustAsFarAsTheLimitsAsk) {
  for (const double width : {0.001, 1.0, 333.3, 14400.0, 1e9}) {
    for (const double height : {0.5, 777.7, 1e7}) {
      for (const int64_t max_pixels : {int64_t{1}, int64_t{1000}, int64_t{40'000'000}}) {
        for (const int64_t max_side : {int64_t{1}, int64_t{300}, int64_t{65'535}}) {
          const double dpi = fitting_dpi(width, height, wish(300, max_pixels, max_side));
          ASSERT_GT(dpi, 0);
          const double across = pixels_along(width, dpi), down = pixels_along(height, dpi);
          EXPECT_LE(across * down, max_pixels);
          EXPECT_LE(std::max(across, down), max_side);
          const double larger = dpi * 1.05;
          if (larger <= 300 && std::min(across, down) > 100) {
            EXPECT_TRUE(pixels_along(width, larger) * pixels_along(height, larger) > max_pixels ||
                        std::max(pixels_along(width, larger), pixels_along(height, larger)) > max_side);
          }
        }
      }
    }
  }
}

TEST(Protocol, FindsNoneForWhatHasNoArea) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -5.0, nan}) {
    EXPECT_EQ(fitting_dpi(bad, 100, wish(200)), 0);
    EXPECT_EQ(fitting_dpi(100, bad, wish(200)), 0);
    EXPECT_EQ(fitting_dpi(100, 100, wish(bad)), 0);
  }
  EXPECT_EQ(fitting_dpi(infinity, 100, wish(200)), 0);
  EXPECT_EQ(fitting_dpi(100, 100, wish(200, 0)), 0);
}

}  // namespace
}  // namespace lectern::pdf
