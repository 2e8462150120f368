#include "checkpoint/model_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<Mode> modes_of(const std::vector<ViewPlan>& plans) {
  std::vector<Mode> modes;
  for (const ViewPlan& plan : plans) modes.push_back(plan.mode);
  return modes;
}

std::string name_of(const ModelSigns& signs) {
  const auto model = describe_model(signs, 1024);
  return model ? std::string(model->name) : "";
}

TEST(ModelDescription, TellsModelsApartByTheirArchitecture) {
  EXPECT_EQ(name_of({.architectures = {"DeepseekOCRForCausalLM"}, .model_type = "deepseek_vl_v2"}), "DeepSeek-OCR");
  EXPECT_EQ(name_of({.architectures = {"DeepseekOCR2ForCausalLM"}, .model_type = "deepseek_vl_v2", .qwen2 = true}),
            "DeepSeek-OCR-2");
  EXPECT_EQ(name_of({.architectures = {"UnlimitedOCRForCausalLM"}, .model_type = "anything"}), "Unlimited-OCR");
  EXPECT_EQ(name_of({.architectures = {"LlamaForCausalLM"}, .model_type = "deepseek_vl_v2"}), "");
}

TEST(ModelDescription, TellsModelsApartWithoutIt) {
  EXPECT_EQ(name_of({.model_type = "deepseek_vl_v2"}), "DeepSeek-OCR");
  EXPECT_EQ(name_of({.model_type = "DeepSeek_VL_V2", .qwen2 = true}), "DeepSeek-OCR-2");
  EXPECT_EQ(name_of({.model_type = "unlimited-ocr"}), "Unlimited-OCR");
  EXPECT_EQ(name_of({.model_type = "deepseek_vl_v2", .window = true}), "Unlimited-OCR");
  EXPECT_EQ(name_of({}), "");
}

TEST(ModelDescription, TheUsualPlanIsTheOneWithTiles) {
  const ModelDescription first = description_of("deepseek-ocr");
  EXPECT_EQ(first.plan_of(Mode::automatic, false), (ViewPlan{Mode::gundam, 1024, 640, true, false, 9}));
  EXPECT_EQ(first.plan_of(Mode::lines, false), first.plans.front());
  EXPECT_EQ(description_of("unlimited-ocr").plan_of(Mode::automatic, false).max_tiles, 32);
  const ViewPlan second = description_of("deepseek-ocr-2").plan_of(Mode::gundam, false);
  EXPECT_EQ(second, (ViewPlan{Mode::gundam, 1024, 768, true, false, 6}));
  EXPECT_EQ(description_of("deepseek-ocr", 256).plan_of(Mode::automatic, false).whole, 256);
  EXPECT_EQ(description_of("deepseek-ocr", 256).tiled_plan(), nullptr);
  ASSERT_NE(first.tiled_plan(), nullptr);
  EXPECT_TRUE(first.tiled_plan()->crop);
}

TEST(ModelDescription, ModesThatNeedNoForce) {
  using enum Mode;
  EXPECT_THAT(modes_of(description_of("unlimited-ocr").plans), ::testing::ElementsAre(gundam, base, native));
  EXPECT_THAT(modes_of(description_of("deepseek-ocr-2").plans), ::testing::ElementsAre(gundam, base, small, native));
  // One squashed view of 768: 145 tokens.
  const ViewPlan small_view = description_of("deepseek-ocr-2").plan_of(small, false);
  EXPECT_EQ(small_view.whole, 768);
  EXPECT_TRUE(small_view.squash);
}

TEST(ModelDescription, OtherModesAreRefusedWithTheReason) {
  const ModelDescription unlimited = description_of("unlimited-ocr");
  EXPECT_THAT([&] { unlimited.plan_of(Mode::tiny, false); },
              ThrowsMessage<Error>(HasSubstr("was trained in the modes gundam, base and native and does not know mode "
                                             "tiny; use `mode` auto, or `force_mode` to try")));
  EXPECT_EQ(unlimited.plan_of(Mode::tiny, true).whole, 512);
  const ModelDescription small = description_of("deepseek-ocr", 256);
  EXPECT_THAT([&] { small.plan_of(Mode::gundam, false); },
              ThrowsMessage<Error>(HasSubstr("was trained on one view of 256 pixels and does not know mode gundam")));
  EXPECT_TRUE(small.plan_of(Mode::gundam, true).crop);
  // Nothing can be forced on queries that are not there.
  for (const bool force : {false, true}) {
    EXPECT_THAT([&] { description_of("deepseek-ocr-2").plan_of(Mode::large, force); },
                ThrowsMessage<Error>(HasSubstr("DeepSeek-OCR-2 has no way to look at a page in mode large")));
  }
}

TEST(ModelDescription, LimitsOfRepetitionDependOnTheInput) {
  const auto limit = [](const char* model, InputKind kind) {
    const RepeatLimit found = description_of(model).repeat_of(kind);
    return std::pair(found.n, found.window);
  };
  EXPECT_EQ(limit("deepseek-ocr", InputKind::picture), std::pair(30, 90));
  EXPECT_EQ(limit("deepseek-ocr", InputKind::pdf), std::pair(20, 50));
  EXPECT_EQ(limit("deepseek-ocr-2", InputKind::picture), std::pair(20, 90));
  EXPECT_EQ(limit("deepseek-ocr-2", InputKind::pdf), std::pair(20, 50));
  EXPECT_EQ(limit("unlimited-ocr", InputKind::picture), std::pair(35, 128));
  EXPECT_EQ(limit("unlimited-ocr", InputKind::pdf), std::pair(35, 128));
  EXPECT_EQ(limit("unlimited-ocr", InputKind::pages), std::pair(35, 1024));
  EXPECT_TRUE(description_of("unlimited-ocr").repeatable.empty());
}

}  // namespace
}  // namespace lectern
