// Rows looked up, put down and added by index.
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::TypedValues;
using testing::view_of;

Tensor indices_of(const std::vector<int32_t>& indices) { return from_host(cpu_device(), indices); }

std::vector<int32_t> random_indices(Random& random, int64_t count, int64_t rows) {
  std::vector<int32_t> indices;
  for (int64_t i = 0; i < count; ++i) {
    const bool next = !indices.empty() && random.coin() && indices.back() + 1 < rows;  // runs are moved at once
    indices.push_back(next ? indices.back() + 1 : static_cast<int32_t>(random.between(0, rows - 1)));
  }
  return indices;
}

TEST(LoweredRows, Gather) {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    const int64_t rows = random.between(1, 20);
    const int64_t width = random.between(1, 30);
    const std::vector<int32_t> indices = random_indices(random, random.between(1, 40), rows);
    const auto count = static_cast<int64_t>(indices.size());
    const TypedValues table(random, any_type(random), {rows, width});
    const auto look_up = [&](Device& device) {
      const Tensor out(cpu_device(), table.tensor.view().type, {count, width});
      device.gather_rows({table.tensor, indices_of(indices), out});
      return floats_of(out);
    };
    const std::vector<float> expected = look_up(cpu_device());
    for (int64_t i = 0; i < count; ++i)
      ASSERT_EQ(expected[static_cast<size_t>(i * width)],
                table.wide[static_cast<size_t>(indices[static_cast<size_t>(i)] * width)]);
    for_each_replacement(Operator::gather_rows, [&](Device& device) { EXPECT_EQ(look_up(device), expected); });
  }
}

TEST(LoweredRows, GatherOfEmbeddings) {
  Random random(2);
  for (const DataType type : {DataType::f32, DataType::bf16, DataType::f16}) {
    const RandomWeight table(random, type, 30, 17);
    const std::vector<int32_t> indices = random_indices(random, 25, 30);
    const auto look_up = [&](Device& device) {
      std::vector<float> out(25 * 17);
      device.gather({table.matrix, indices_of(indices), view_of(out, {25, 17})});
      return out;
    };
    for_each_replacement(Operator::gather, [&](Device& device) { EXPECT_EQ(look_up(device), look_up(cpu_device())); });
  }
}

// Rows of several pictures, of which some are not there, between tokens.
TEST(LoweredRows, EmbedTakesTokensAndRowsOfPictures) {
  Random random(4);
  constexpr int64_t width = 17;
  for (const DataType type : {DataType::f32, DataType::bf16, DataType::f16}) {
    const RandomWeight table(random, type, 30, width);
    const std::vector<float> first = random.values(4 * width), second = random.values(7 * width);
    const std::array<TensorView, 2> pictures = {view_of(first, {4, width}), view_of(second, {7, width})};
    for (const int64_t rows : {1, 20, 100}) {
      const std::vector<int32_t> ids = random_indices(random, rows, 30);
      std::vector<int32_t> picture_rows;
      for (int64_t i = 0; i < rows; ++i)
        picture_rows.push_back(i > 0 && picture_rows.back() >= 0 && picture_rows.back() < 10 && random.coin()
                                   ? picture_rows.back() + 1
                                   : static_cast<int32_t>(random.between(-1, 10)));
      const std::array<SequenceRows, 1> sequences = {{{0, rows, 0, {}}}};
      const auto embed = [&](Device& device) {
        const StepBatch step(device, sequences, 0, {.ids = ids, .picture_rows = picture_rows});
        std::vector<float> out(static_cast<size_t>(rows * width), std::nanf(""));
        device.embed({table.matrix, step, pictures, view_of(out, {rows, width})});
        return out;
      };
      const std::vector<float> got = embed(cpu_device());
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t row = picture_rows[static_cast<size_t>(i)];
        const float* const expected = row < 0   ? table.values.data() + ids[static_cast<size_t>(i)] * width
                                      : row < 4 ? first.data() + row * width
                                                : second.data() + (row - 4) * width;
        ASSERT_TRUE(std::equal(expected, expected + width, got.begin() + i * width)) << i;
      }
      for_each_replacement(Operator::embed, [&](Device& device) { EXPECT_EQ(embed(device), got); });
    }
  }
}

TEST(LoweredRows, ScatterAndAdd) {
  Random random(3);
  for (int round = 0; round < 30; ++round) {
    const int64_t rows = random.between(1, 20);
    const int64_t width = random.between(1, 30);
    std::vector<int32_t> different(static_cast<size_t>(rows));
    std::iota(different.begin(), different.end(), 0);
    if (random.coin()) random.shuffle(different);
    different.resize(static_cast<size_t>(random.between(1, rows)));
    const std::vector<int32_t> any = random_indices(random, random.between(1, 60), rows);
    const std::vector<float> before = random.values(rows * width);
    const auto put = [&](Device& device, const std::vector<int32_t>& indices, bool adds) {
      Random same(4);
      const auto count = static_cast<int64_t>(indices.size());
      const std::vector<float> in = same.values(count * width);
      std::vector<float> out = before;
      const Tensor where = indices_of(indices);
      const RowsArgs args{view_of(in, {count, width}), where, view_of(out, {rows, width})};
      adds ? device.scatter_add(args) : device.scatter_rows(args);
      return out;
    };
    for_each_replacement(Operator::scatter_rows, [&](Device& device) {
      EXPECT_EQ(put(device, different, false), put(cpu_device(), different, false));
    });
    for_each_replacement(Operator::scatter_add, [&](Device& device) {
      EXPECT_LT(relative_error(put(device, any, true), put(cpu_device(), any, true)), 1e-6);
    });
  }
}

}  // namespace
}  // namespace lectern
