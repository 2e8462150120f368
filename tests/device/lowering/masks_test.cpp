// Scattering by a mask in both ways, and what the second is made of.
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::for_each_replacement;
using testing::Random;
using testing::relative_error;
using testing::view_of;

TEST(LoweredMaskedScatter, BothWaysEqualALoop) {
  Random random(1);
  const auto by_sum = make_cpu_device(parse_operators("masked_scatter"));
  const auto by_index = make_cpu_device(parse_operators("masked_scatter,cumulative_sum"));
  const auto by_neither = make_cpu_device(parse_operators("all"));
  EXPECT_EQ(by_sum->operators().describe(Operator::masked_scatter, DataType::f32),
            "cumulative_sum + gather_rows + where + add + maximum + copy");
  EXPECT_EQ(by_index->operators().describe(Operator::masked_scatter, DataType::f32), "scatter_rows + copy");
  for (int round = 0; round < 40; ++round) {
    const int64_t rows = random.between(1, 50);
    const int64_t width = random.between(1, 20);
    const auto density = random.between(0, 4);  // none, some, all
    std::vector<float> mask;
    int64_t ones = 0;
    for (int64_t i = 0; i < rows; ++i) {
      mask.push_back(random.between(1, 4) <= density ? 1.0f : 0.0f);
      ones += mask.back() != 0;
    }
    const int64_t count = ones + random.between(0, 2);
    const std::vector<float> in = random.values(count * width);
    const std::vector<float> before = random.values(rows * width);
    std::vector<float> expected = before;
    for (int64_t i = 0, next = 0; i < rows; ++i) {
      if (mask[static_cast<size_t>(i)] != 0)
        std::copy_n(in.begin() + next++ * width, width, expected.begin() + i * width);
    }
    for (Device* device : {&cpu_device(), by_sum.get(), by_index.get(), by_neither.get()}) {
      std::vector<float> out = before;
      device->masked_scatter({view_of(in, {count, width}), view_of(mask, {rows}), view_of(out, {rows, width})});
      EXPECT_EQ(out, expected) << rows << " rows, " << ones << " of them replaced";
    }
  }
}

TEST(LoweredCumulativeSum, IsExactForCounts) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    const Shape shape = {random.between(1, 3), random.between(1, 300)};
    std::vector<float> in;
    for (int64_t i = 0; i < shape.elements(); ++i) in.push_back(static_cast<float>(random.between(0, 3)));
    std::vector<float> expected(in.size());
    for (int64_t row = 0; row < shape[0]; ++row)
      std::partial_sum(in.begin() + row * shape[1], in.begin() + (row + 1) * shape[1],
                       expected.begin() + row * shape[1]);
    const auto compare = [&](Device& device) {
      std::vector<float> out(in.size());
      device.cumulative_sum({view_of(in, shape), view_of(out, shape)});
      EXPECT_EQ(out, expected);
    };
    compare(cpu_device());
    for_each_replacement(Operator::cumulative_sum, compare);
  }
}

TEST(LoweredSelect, TakesOneOfTwo) {
  Random random(3);
  const Shape shape = {7, 5, 9};
  const std::vector<float> a = random.values(shape.elements(), 1e3f);
  const std::vector<float> b = random.values(shape.elements(), 1e-3f);
  std::vector<float> mask;
  for (int64_t i = 0; i < shape[1]; ++i) mask.push_back(random.coin() ? 1.0f : 0.0f);
  const auto choose = [&](Device& device) {
    std::vector<float> out = b;
    const MutableTensorView result = view_of(out, shape);
    device.where({StridedView(view_of(mask, {5}), 0, shape, {0, 1, 0}), view_of(a, shape), result, result});
    return out;
  };
  const std::vector<float> expected = choose(cpu_device());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(expected[i], mask[i / 9 % 5] != 0 ? a[i] : b[i]);
  for_each_replacement(Operator::where, [&](Device& device) { EXPECT_EQ(choose(device), expected); });
}

}  // namespace
}  // namespace lectern
