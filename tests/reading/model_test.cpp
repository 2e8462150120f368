#include "lectern/model.h"

#include <gtest/gtest.h>

#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

TEST(Model, OnAnotherDeviceSharesItsFiles) {
  const Model first = Model::load(testing::mini_folder, {.weights = Weights::f32});
  const Model second = first.on({.weights = Weights::bf16});
  EXPECT_EQ(&first.loaded().tokenizer, &second.loaded().tokenizer);
  EXPECT_EQ(&first.loaded().checkpoint, &second.loaded().checkpoint);
  EXPECT_EQ(first.loaded().format, WeightFormat::f32);
  EXPECT_EQ(second.loaded().format, WeightFormat::bf16);
  EXPECT_EQ(second.native_size(), first.native_size());
  EXPECT_EQ(first.weights(), Weights::f32);
  EXPECT_EQ(second.weights(), Weights::bf16);
  EXPECT_EQ(second.device(), "cpu");
  EXPECT_THROW(first.on({.device = "no-such-device"}), Error);
}

TEST(Model, CopiesShareAll) {
  const Model first = Model::load(testing::mini_folder);
  const Model copy = first;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(&first.loaded(), &copy.loaded());
}

}  // namespace
}  // namespace lectern
