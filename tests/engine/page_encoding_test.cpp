#include "engine/page_encoding.h"

#include <gtest/gtest.h>

#include <thread>

#include "device/cpu/cpu_device.h"
#include "support/bits.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::Random;

TEST(SharesOfViews, MakeTheSlowestDeviceQuickest) {
  using Shares = std::vector<Range>;
  EXPECT_EQ(shares_of_views(3.6, 1, 6, 1), (Shares{{0, 7}}));
  EXPECT_EQ(shares_of_views(3.6, 1, 6, 2), (Shares{{0, 2}, {2, 5}}));
  EXPECT_EQ(shares_of_views(3.6, 1, 6, 4), (Shares{{0, 1}, {1, 2}, {3, 2}, {5, 2}}));
  EXPECT_EQ(shares_of_views(3.6, 1, 2, 4), (Shares{{0, 1}, {1, 1}, {2, 1}, {3, 0}}));
  EXPECT_EQ(shares_of_views(1, 1, 5, 3), (Shares{{0, 2}, {2, 2}, {4, 2}}));
  EXPECT_EQ(shares_of_views(3.6, 0, 0, 2), (Shares{{0, 1}, {1, 0}}));
}

Picture noise(Random& random, int size) {
  Picture picture(size, size);
  for (uint8_t& level : picture.rgb) level = static_cast<uint8_t>(random.bits());
  return picture;
}

Views page(Random& random, int columns, int rows) {
  Views views;
  views.whole = noise(random, 192);
  views.columns = columns;
  views.rows = rows;
  for (int i = 0; i < columns * rows; ++i) views.tiles.push_back(noise(random, 128));
  return views;
}

std::vector<float> rows_of(Encoding& encoding, bool alone) {
  while (!encoding.advance(alone)) {
  }
  return testing::copy_of<float>(encoding.rows());
}

// Devices of their own on the CPU, and a thread for each but the first.
class SpreadEncodings : public ::testing::Test {
 protected:
  static constexpr size_t most = 3;

  SpreadEncodings() {
    for (size_t i = 0; i < most; ++i) {
      devices_.push_back(make_cpu_device({}));
      encoders_.push_back(make_vision_encoder({checkpoint_, *devices_.back(), WeightFormat::f32}));
    }
  }

  std::unique_ptr<Encoding> over(size_t count, const std::shared_ptr<const Views>& views) const {
    std::vector<EncodingDevice> devices;
    devices.reserve(count);
    for (size_t i = 0; i < count; ++i) devices.push_back({devices_[i].get(), encoders_[i].get(), nullptr});
    const auto together = [count](const std::function<void(size_t)>& part) {
      std::vector<std::jthread> threads;
      threads.reserve(count);
      for (size_t i = 1; i < count; ++i) threads.emplace_back(part, i);
      part(0);
    };
    return encode_over(std::move(devices), together, views);
  }

  const Checkpoint checkpoint_ = Checkpoint::open(testing::mini_folder);
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<const VisionEncoder>> encoders_;
};

TEST_F(SpreadEncodings, HaveTheBitsOfOneDevice) {
  Random random(1);
  auto several = std::make_shared<Views>(page(random, 2, 2));
  several->further.push_back(page(random, 1, 1));
  several->further.push_back(page(random, 0, 0));
  const std::vector<std::shared_ptr<const Views>> all = {std::make_shared<Views>(page(random, 3, 1)), several};
  for (const std::shared_ptr<const Views>& views : all) {
    const auto one = encode_on(*devices_[0], *encoders_[0], views, nullptr);
    const std::vector<float> expected = rows_of(*one, true);
    for (const size_t count : {2, 3}) {
      for (const bool alone : {false, true}) {
        const auto spread = over(count, views);
        EXPECT_EQ(testing::different_bits(rows_of(*spread, alone), expected), 0) << count;
      }
    }
  }
}

}  // namespace
}  // namespace lectern
