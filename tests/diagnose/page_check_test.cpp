#include "diagnose/page_check.h"

#include <gtest/gtest.h>

#include "image/picture_file.h"
#include "support/least_device.h"

namespace lectern {
namespace {

using testing::LeastDevice;

const std::string folder = LECTERN_SHIPPED_MODEL;

TEST(PageCheck, TheShippedModelReadsItsSampleAlikeOnTheLeastDevice) {
  LeastDevice device;
  const LoadedModel model(folder, device, WeightFormat::f32);
  const LoadedModel reference(folder, cpu_device(), WeightFormat::f32);
  const PageCheck check = check_page(model, reference, read_picture(folder + "/sample.png"), 64);
  EXPECT_TRUE(check.passed());
  EXPECT_EQ(check.text, check.reference_text);
  EXPECT_NE(check.text, "");
  EXPECT_EQ(check.tokens, check.equal_tokens);
  ASSERT_EQ(check.stages.size(), 4u);
  for (const StageCheck& stage : check.stages) EXPECT_LT(stage.error, 1e-4) << stage.name;
}

TEST(PageCheck, FindsADeviceThatComputesOtherwise) {
  LeastDevice device([](Operators& own) {
    own.sqrt = [](Device& self, const UnaryArgs& args) {
      self.multiply({.a = args.in, .number = 1.01f, .out = args.out});
    };
  });
  const LoadedModel model(folder, device, WeightFormat::f32);
  const LoadedModel reference(folder, cpu_device(), WeightFormat::f32);
  const PageCheck check = check_page(model, reference, read_picture(folder + "/sample.png"), 8);
  EXPECT_FALSE(check.passed());
  EXPECT_GT(check.stages.front().error, 1e-4);
}

}  // namespace
}  // namespace lectern
