// Mixtures of experts by sorting, products in groups and weighted addition, against the CPU's own.
#include "support/experts.h"
#include "support/lowered.h"

namespace lectern {
namespace {

using testing::any_type;
using testing::floats_of;
using testing::for_each_replacement;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::rounding;
using testing::TypedValues;
using testing::view_of;

struct Mixture {
  Mixture(Random& random, int64_t width, int64_t inner, int count, DataType type)
      : router(random, DataType::f32, count, width) {
    std::vector<testing::Expert> all;
    for (int e = 0; e < count; ++e) {
      for (const bool down : {false, false, true})
        parts.emplace_back(random, type, down ? width : inner, down ? inner : width);
      const size_t first = parts.size() - 3;
      all.push_back({parts[first].matrix, parts[first + 1].matrix, parts[first + 2].matrix});
    }
    experts = testing::bank_of(cpu_device(), all);
  }
  RandomWeight router;
  std::vector<RandomWeight> parts;
  ExpertBank experts;
};

void check(Random& random, int64_t rows, const std::string& without) {
  const int64_t width = random.between(1, 40);
  const int count = static_cast<int>(random.between(1, 9));
  const Mixture mixture(random, width, random.between(1, 30), count, random.coin() ? DataType::bf16 : DataType::f32);
  // Of narrower types the CPU sees the same values, so both choose the same experts.
  const DataType type = any_type(random);
  const TypedValues x(random, type, {rows, width});
  const std::vector<float> before = random.values(rows * width);
  const int top_k = static_cast<int>(random.between(1, count));
  const bool renormalise = random.coin();
  const auto apply = [&](Device& device, const TensorView& in) {
    std::vector<float> out = before;
    device.experts({.in = in,
                    .router = mixture.router.matrix,
                    .experts = mixture.experts,
                    .top_k = top_k,
                    .renormalise = renormalise,
                    .scale = 1.5f,
                    .out = view_of(out, {rows, width})});
    return out;
  };
  const auto device = make_cpu_device(parse_operators(without));
  ASSERT_NE(device->operators().lowering(Operator::experts, DataType::f32), nullptr);
  EXPECT_LT(relative_error(apply(*device, x.tensor), apply(cpu_device(), x.f32())), rounding(type))
      << rows << " rows of " << width << ", " << top_k << " of " << count << " without " << without;
}

TEST(LoweredExperts, WithAndWithoutAGroupedProduct) {
  Random random(1);
  for (const char* without :
       {"experts", "experts,grouped_linear", "experts,top_k,sort", "experts,scatter_add", "all"}) {
    for (int round = 0; round < 12; ++round) check(random, random.coin() ? random.between(1, 4) : 50, without);
  }
}

TEST(LoweredTopK, OfEqualValuesTheLowerIndexComesFirst) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    const Shape shape = {random.between(1, 9), random.between(1, 40)};
    const int64_t k = random.between(1, shape[1]);
    std::vector<float> in(static_cast<size_t>(shape.elements()));
    for (float& x : in) x = static_cast<float>(random.between(0, 6));
    const auto choose = [&](Device& device) {
      const Tensor values(cpu_device(), DataType::f32, {shape[0], k});
      const Tensor indices(cpu_device(), DataType::i32, {shape[0], k});
      device.top_k({view_of(in, shape), values, indices});
      return std::pair(floats_of(values), floats_of(indices));
    };
    const auto expected = choose(cpu_device());
    for (int64_t row = 0; row < shape[0]; ++row) {
      for (int64_t i = 1; i < k; ++i) {
        const auto at = static_cast<size_t>(row * k + i);
        ASSERT_GE(expected.first[at - 1], expected.first[at]);
        if (expected.first[at - 1] == expected.first[at]) {
          ASSERT_LT(expected.second[at - 1], expected.second[at]);
        }
      }
    }
    for_each_replacement(Operator::top_k, [&](Device& device) { EXPECT_EQ(choose(device), expected); });
  }
}

TEST(LoweredSort, KeepsTheOrderOfEqualKeys) {
  Random random(3);
  for (const int64_t count : {1, 2, 17, 500}) {
    std::vector<float> keys;
    for (int64_t i = 0; i < count; ++i) keys.push_back(static_cast<float>(random.between(0, 7)));
    const Tensor numbers(cpu_device(), DataType::i32, {count});
    cpu_device().copy({view_of(keys, {count}), numbers});
    const auto sort = [&](Device& device) {
      const Tensor order(cpu_device(), DataType::i32, {count});
      device.sort({numbers, order});
      return floats_of(order);
    };
    std::vector<float> expected(static_cast<size_t>(count));
    std::iota(expected.begin(), expected.end(), 0.0f);
    std::ranges::stable_sort(expected, {}, [&](float i) { return keys[static_cast<size_t>(i)]; });
    EXPECT_EQ(sort(cpu_device()), expected);
    for_each_replacement(Operator::sort, [&](Device& device) { EXPECT_EQ(sort(device), expected); });
  }
}

}  // namespace
}  // namespace lectern
