#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::expect_refusal;
#ifdef LECTERN_ASCEND
using testing::fake_card;
#endif
using testing::golden_images;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;

TEST(DevicesCommand, ListsTheDevicesOfThisMachine) {
  const TempFolder folder;
  const Outcome text = lectern(folder, "devices");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_TRUE(text.out.starts_with("cpu\n")) << text.out;
  const json list = json::parse(lectern(folder, "devices --json").out);
  EXPECT_EQ(list.at(0).at("name"), "cpu");
  EXPECT_GT(list.at(0).at("memory_bytes").get<int64_t>(), 0);
}

TEST(DevicesCommand, ShowsHowEveryOperatorIsThere) {
  const TempFolder folder;
  const json table = json::parse(lectern(folder, "devices --ops --json --without cann-8.3.rc1-pytorch,gemm").out);
  EXPECT_EQ(table.at("device"), "cpu");
  const json& operators = table.at("operators");
  EXPECT_EQ(operators.size(), 41u);
  EXPECT_EQ(operators.at("linear").at("f32").at("state"), "native");
  EXPECT_EQ(operators.at("linear").at("f16").at("state"), "absent");
  EXPECT_EQ(operators.at("gemm").at("f32").at("state"), "absent");
  EXPECT_EQ(operators.at("conv2d").at("f32"), json::parse(R"({"state": "lowered", "made_of": ["im2col", "linear"]})"));
  EXPECT_EQ(operators.at("masked_scatter").at("f32").at("state"), "lowered");
  EXPECT_FALSE(operators.at("conv2d").contains("bf16"));
  const Outcome text = lectern(folder, "devices --ops --without rope");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("\nrope                lowered"));
  EXPECT_THAT(text.out, HasSubstr("multiply + subtract + add + copy\n"));
}

TEST(DevicesCommand, RefusesOtherNames) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "devices --ops --device gpu"), 2, "there is no device 'gpu'; choose from cpu");
  expect_refusal(lectern(folder, "devices --ops --without conv3d"), 2,
                 "there is no operator 'conv3d'; choose from all,");
  expect_refusal(lectern(folder, "devices --without rope"), 2, "--ops");
  const std::string receipt = golden_images + "receipt.png --mode tiny ";
  expect_refusal(lectern(folder, "read --device gpu " + receipt), 2, "there is no device 'gpu'");
  expect_refusal(lectern(folder, "read --without all,gemm,exp " + receipt), 2,
                 "cpu: cannot run a model: it lacks gemm, exp, which nothing can replace");
}

TEST(DevicesCommand, AModelReadsTheSameWithoutAnyOperatorThatCanBeReplaced) {
  const TempFolder folder;
  const std::string sample = std::string("read '") + LECTERN_SAMPLES + "/hello.png' --model primer ";
  const Outcome native = lectern(folder, sample);
  const Outcome replaced = lectern(folder, sample + "--without all");
  EXPECT_EQ(native.code, 0) << native.err;
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_NE(native.out, "");
  EXPECT_EQ(replaced.out, native.out);
}

#ifdef LECTERN_ASCEND
TEST(DevicesCommand, ListsAscendCardsAndTheirOperators) {
  const TempFolder folder;
  const std::string cards = fake_card + "FAKE_CANN_DEVICES=2 FAKE_CANN_ABSENT=aclnnIm2col";
  const Outcome text = lectern(folder, "devices", cards);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("\nascend:1\n  Ascend910B2\n  CANN 8.3.RC1, driver 8.3.RC1"));
  const json list = json::parse(lectern(folder, "devices --json", cards).out);
  EXPECT_EQ(list.at(2).at("name"), "ascend:1");
  const Outcome table = lectern(folder, "devices --ops --json --device ascend:1", cards);
  ASSERT_EQ(table.code, 0) << table.err;
  const json operators = json::parse(table.out).at("operators");
  EXPECT_EQ(operators.at("paged_attention").at("bf16").at("state"), "native");
  EXPECT_EQ(operators.at("conv2d").at("f32").at("state"), "lowered");
}

TEST(DevicesCommand, ACardIsRefusedAtOnceOrDoesWithoutOperators) {
  const TempFolder folder;
  const std::string sample = std::string("'") + LECTERN_SAMPLES + "/hello.png' --model primer --device ascend:0 ";
  expect_refusal(lectern(folder, "read " + sample + "--without linear,gemm,softmax", fake_card), 2,
                 "ascend:0: cannot run a model: it lacks gemm, which nothing can replace");
  const Outcome outcome = lectern(folder, "read " + sample + "--without all --format json", fake_card);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json read = json::parse(outcome.out);
  EXPECT_THAT(read.at("lowered").dump(), HasSubstr("paged_attention"));
  EXPECT_THAT(outcome.out, HasSubstr("this is"));
  const Outcome traced =
      lectern(folder,
              "trace " + golden_images + "receipt.png --mode tiny --prompt-ids '500, 13' --steps 2 " +
                  "--device ascend:0 --without conv2d,scatter_rows -o out.safetensors",
              fake_card);
  EXPECT_EQ(traced.code, 0) << traced.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "out.safetensors"));
}
#endif

}  // namespace
}  // namespace lectern
