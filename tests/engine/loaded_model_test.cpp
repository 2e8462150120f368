// What is said of a device that has no memory for a model.
#include "engine/loaded_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"
#include "support/least_device.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Whether the first part of a model finds none, or the last. It is no page that is too large.
TEST(LoadedModel, SaysThatTheModelDoesNotFit) {
  testing::LeastDevice device;
  size_t needed = 0;
  {
    const LoadedModel model(testing::mini_folder, device, WeightFormat::f32);
    needed = device.blocks();
  }
  for (const size_t blocks : {size_t{3}, needed - 1}) {
    device.max_blocks = blocks;
    try {
      const LoadedModel model(testing::mini_folder, device, WeightFormat::f32);
      ADD_FAILURE() << "a model without memory";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("least: the model does not fit: its weights take about 12 MiB in f32, and "),
                        HasSubstr("use `weights` q8 or q4"), Not(HasSubstr("`mode`"))));
    }
    EXPECT_EQ(device.blocks(), 0u) << "what was loaded is given back";
  }
  device.max_blocks = needed;
  EXPECT_NO_THROW(LoadedModel(testing::mini_folder, device, WeightFormat::f32));
}

}  // namespace
}  // namespace lectern
