#include "reading/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "lectern/version.h"
#include "reading/model_parts.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

void not_left_out(const std::string& device, const std::string& why) { ADD_FAILURE() << device << ": " << why; }

TEST(Models, ParseTheNamesOfModesAndWeights) {
  for (const std::string_view name : names<Mode>) EXPECT_EQ(name_of(parse_mode(name)), name);
  for (const std::string_view name : names<Weights>) EXPECT_EQ(name_of(parse_weights(name)), name);
}

TEST(Models, UnknownNamesAreRefusedWithThoseThereAre) {
  try {
    parse_mode("vast\n");
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown mode 'vast?'"));
    for (const std::string_view name : names<Mode>) EXPECT_THAT(error.what(), HasSubstr(std::string(name)));
  }
  EXPECT_THROW(parse_weights("q3"), Error);
  EXPECT_THROW(parse_weights(""), Error);
}

TEST(Models, OneIsLoadedForEachDevice) {
  const std::vector<Model> models = load_models(testing::mini_folder, {Weights::bf16, "cpu", "linear"}, not_left_out);
  ASSERT_THAT(models, SizeIs(1));
  EXPECT_EQ(models.front().device(), "cpu");
  EXPECT_EQ(models.front().weights(), Weights::bf16);
}

TEST(Models, WhatIsWrongWithTheModelOrTheListIsThrown) {
  EXPECT_THROW(load_models(testing::mini_folder / "missing", {}, not_left_out), Error);
  EXPECT_THROW(load_models(testing::mini_folder, {.device = "no-such-device"}, not_left_out), Error);
  EXPECT_THROW(load_models(testing::mini_folder, {.device = "cpu,cpu"}, not_left_out), Error);
}

TEST(Models, APromptMayNeedAToken) {
  const Model model = Model::load(testing::mini_folder);
  const bool has_token = loaded_of(model).tokenizer.id_of("<|grounding|>").has_value();
  EXPECT_EQ(knows_grounding(model, {"markdown", "<image>\n<|grounding|>Convert the document to markdown.", true, true}),
            has_token);
  EXPECT_TRUE(knows_grounding(model, {"markdown", "<image>document parsing.", true, true}));
}

TEST(Models, DocumentsNameVersionFolderWeightsAndReplacedOperatorsOnce) {
  const Model exact = Model::load(testing::mini_folder, {.weights = Weights::f32});
  const Model lowered = exact.on({.weights = Weights::bf16, .without = "linear"});
  const DocumentInfo plain = describe_models({exact});
  EXPECT_EQ(plain.version, LECTERN_VERSION);
  EXPECT_EQ(plain.model, testing::mini_folder.string());
  EXPECT_EQ(plain.weights, Weights::f32);
  EXPECT_EQ(plain.device, "cpu");
  EXPECT_THAT(plain.lowered, Not(Contains("linear")));
  const DocumentInfo both = describe_models({exact, lowered, lowered});
  EXPECT_EQ(both.device, "cpu,cpu,cpu");
  EXPECT_THAT(both.lowered, Contains("linear").Times(1));
  for (const std::string& name : plain.lowered) EXPECT_THAT(both.lowered, Contains(name).Times(1));
}

}  // namespace
}  // namespace lectern
