#include "checkpoint/packed.h"

#include <gtest/gtest.h>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

TEST(Packed, WhatIsWrittenIsRead) {
  const testing::TempFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  EXPECT_TRUE(read_packed(folder).tensors.empty());
  PackedTensors packed{.weights = WeightFormat::q4, .tensors = {}};
  packed.tensors.emplace("a.weight", PackedTensors::Entry{WeightFormat::q4, {3, 70}});
  packed.tensors.emplace("b \"quoted\"", PackedTensors::Entry{WeightFormat::bf16, {2, 3, 4, 4}});
  write_packed(folder, packed);
  const PackedTensors read = read_packed(folder);
  EXPECT_EQ(read.weights, WeightFormat::q4);
  ASSERT_EQ(read.tensors.size(), 2u);
  EXPECT_EQ(read.tensors.at("a.weight").format, WeightFormat::q4);
  EXPECT_EQ(to_string(read.tensors.at("a.weight").shape), "[3, 70]");
  EXPECT_EQ(to_string(read.tensors.at("b \"quoted\"").shape), "[2, 3, 4, 4]");
}

TEST(Packed, FormatsHaveNames) {
  for (const std::string name : {"f32", "bf16", "q8", "q4"}) EXPECT_EQ(name_of(weight_format(name)), name);
  EXPECT_THROW(weight_format("q5"), Error);
  EXPECT_THROW(weight_format(""), Error);
}

}  // namespace
}  // namespace lectern
