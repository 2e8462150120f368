#include "lectern/model.h"

#include <gtest/gtest.h>

#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

TEST(Model, OnAnotherDeviceSharesItsFiles) {
  const Model first = Model::load(testing::mini_folder, {.weights = Weights::f32});
  const Model second = first.on({.weights = Weights::bf16});
  EXPECT_EQ(&loaded_of(first).tokenizer, &loaded_of(second).tokenizer);
  EXPECT_EQ(&loaded_of(first).checkpoint, &loaded_of(second).checkpoint);
  EXPECT_EQ(loaded_of(first).format, WeightFormat::f32);
  EXPECT_EQ(loaded_of(second).format, WeightFormat::bf16);
  EXPECT_EQ(second.native_size(), first.native_size());
  EXPECT_EQ(first.weights(), Weights::f32);
  EXPECT_EQ(second.weights(), Weights::bf16);
  EXPECT_EQ(second.device(), "cpu");
  EXPECT_THROW(first.on({.device = "no-such-device"}), Error);
}

TEST(Model, CopiesShareAll) {
  const Model first = Model::load(testing::mini_folder);
  const Model copy = first;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(&loaded_of(first), &loaded_of(copy));
}

}  // namespace
}  // namespace lectern
