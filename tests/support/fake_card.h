// An Ascend card that the fake toolkit of tests/fake_cann plays, and values on it.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "device/ascend/ascend_device.h"
#include "device/ascend/kernels/kernels.h"
#include "device/host_values.h"
#include "device/step_batch.h"
#include "fake_cann.h"
#include "support/values.h"

namespace lectern::testing {

inline ascend::LibraryOptions fake_library() { return {.folders = {FAKE_CANN_HOME "/lib64"}}; }

inline ascend::AscendOptions fake_options(std::optional<DataType> half = std::nullopt) {
  ascend::AscendOptions options;
  options.session.library = fake_library();
  options.half = half;
  return options;
}

// A fresh fake; at the end it must have seen no broken rule, and nothing may be left on it.
class FakeCann {
 public:
  FakeCann() { fake_cann_reset(); }
  FakeCann(const FakeCann&) = delete;
  FakeCann& operator=(const FakeCann&) = delete;
  ~FakeCann() {
    EXPECT_STREQ(fake_cann_violations(), "");
    EXPECT_STREQ(fake_cann_leaks(), "");
  }
};

// The profile is set before the card is opened, and the card is gone before the fake is asked.
class FakeCard : FakeCann {
 public:
  explicit FakeCard(std::optional<DataType> half = std::nullopt, const std::function<void()>& profile = {})
      : FakeCard(fake_options(half), profile) {}
  explicit FakeCard(const ascend::AscendOptions& options, const std::function<void()>& profile = {})
      : device_((profile ? profile() : void(), ascend::make_ascend_device(options))) {}

  Device& device() { return *device_; }
  ascend::AscendDevice& card() { return static_cast<ascend::AscendDevice&>(*device_); }
  DataType half() { return card().half(); }

  // Values in the card's memory.
  Tensor put(const std::vector<float>& values, const Shape& shape, DataType type = DataType::f32) {
    Tensor wide = from_host(*device_, values, shape);
    if (type == DataType::f32) return wide;
    Tensor narrow(*device_, type, shape);
    ascend::copy_view(card().session(), narrow.view(), wide.view());
    return narrow;
  }
  std::vector<float> get(const TensorView& values) { return floats_to_host(*device_, values); }

 private:
  std::unique_ptr<Device> device_;
};

// Values that a 16-bit type holds exactly, so that only the computation differs.
inline std::vector<float> rounded(std::vector<float> values, DataType type) {
  for (float& x : values) x = type == DataType::f16 ? f16_to_f32(f32_to_f16(x)) : bf16_to_f32(f32_to_bf16(x));
  return values;
}

// Of the values of a 16-bit type, whose last bit is 2^-11 or 2^-8 of them.
inline double half_tolerance(DataType type) { return type == DataType::f16 ? 2e-3 : 1.6e-2; }

}  // namespace lectern::testing
