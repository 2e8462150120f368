#include <gtest/gtest.h>

#include <numeric>

#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using testing::FakeCard;
using testing::half_tolerance;
using testing::Random;
using testing::relative_error;
using testing::rounded;
using testing::view_of;

class AscendElementwise : public ::testing::TestWithParam<DataType> {};

TEST_P(AscendElementwise, Norms) {
  Random random(1);
  FakeCard card(GetParam());
  const int64_t rows = 7;
  const int64_t width = 96;
  const std::vector<float> x = random.values(rows * width, 50);
  const std::vector<float> weight = random.values(width);
  const std::vector<float> bias = random.values(width);
  const Tensor card_x = card.put(x, {rows, width});
  const Tensor card_weight = card.put(weight, {width});
  const Tensor card_bias = card.put(bias, {width});
  for (const bool layer : {false, true}) {
    std::vector<float> expected(x.size());
    NormArgs args = {.in = view_of(x, {rows, width}),
                     .weight = view_of(weight, {width}),
                     .epsilon = 1e-5f,
                     .out = view_of(expected, {rows, width})};
    if (layer) args.bias = view_of(bias, {width});
    layer ? cpu_device().layer_norm(args) : cpu_device().rms_norm(args);
    for (const DataType type : {DataType::f32, card.half()}) {
      const Tensor out(card.device(), type, {rows, width});
      NormArgs card_args = {.in = card_x, .weight = card_weight, .epsilon = 1e-5f, .out = out};
      if (layer) card_args.bias = card_bias;
      layer ? card.device().layer_norm(card_args) : card.device().rms_norm(card_args);
      EXPECT_LT(relative_error(card.get(out), expected), type == DataType::f32 ? 1e-5 : half_tolerance(type));
    }
  }
  // Its own output, as the neck of SAM has it.
  std::vector<float> expected = x;
  const auto view = view_of(expected, {rows, width});
  cpu_device().layer_norm({view, view_of(weight, {width}), view_of(bias, {width}), 1e-6f, view});
  card.device().layer_norm({card_x, card_weight, card_bias, 1e-6f, card_x});
  EXPECT_LT(relative_error(card.get(card_x), expected), 1e-5);
}

TEST_P(AscendElementwise, SumsAndProducts) {
  Random random(2);
  FakeCard card(GetParam());
  const std::vector<float> a = rounded(random.values(60), card.half());
  const std::vector<float> b = rounded(random.values(12), card.half());
  std::vector<float> sum(60);
  std::vector<float> product(60);
  cpu_device().add({.a = view_of(a, {5, 12}), .b = broadcast(view_of(b, {12}), {5, 12}), .out = view_of(sum, {5, 12})});
  cpu_device().multiply(
      {.a = view_of(a, {5, 12}), .b = broadcast(view_of(b, {12}), {5, 12}), .out = view_of(product, {5, 12})});
  const Tensor card_a = card.put(a, {5, 12});
  const Tensor card_b = card.put(b, {12});
  const Tensor out(card.device(), DataType::f32, {5, 12});
  card.device().add({.a = card_a, .b = broadcast(card_b, {5, 12}), .out = out});
  EXPECT_EQ(card.get(out), sum);
  card.device().add({.a = card_a, .b = broadcast(card_b, {5, 12}), .out = card_a});
  EXPECT_EQ(card.get(card_a), sum);
  const Tensor half_a = card.put(a, {5, 12}, card.half());
  const Tensor half_b = card.put(b, {12}, card.half());
  card.device().multiply({.a = half_a, .b = broadcast(half_b, {5, 12}), .out = half_a});
  EXPECT_LT(relative_error(card.get(half_a), product), half_tolerance(card.half()));
}

TEST_P(AscendElementwise, CopiesBetweenStridesAndTypes) {
  Random random(3);
  FakeCard card(GetParam());
  const std::vector<float> values = rounded(random.values(4 * 10), card.half());
  const Tensor from = card.put(values, {4, 10});
  const Tensor to = card.put(std::vector<float>(4 * 7, 9.0f), {4, 7}, card.half());
  card.device().copy({StridedView(from, 2, {4, 5}, {10, 1}), MutableStridedView(to, 1, {4, 5}, {7, 1})});
  const std::vector<float> got = card.get(to);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t column = 0; column < 7; ++column) {
      const bool copied = column >= 1 && column < 6;
      EXPECT_EQ(got[row * 7 + column], copied ? values[row * 10 + column + 1] : 9.0f);
    }
  }
}

TEST_P(AscendElementwise, GathersRows) {
  Random random(4);
  FakeCard card(GetParam());
  const std::vector<float> values = rounded(random.values(9 * 16), card.half());
  const std::vector<int32_t> indices = {8, 0, 3, 3, 8};
  const Tensor ids = from_host(card.device(), indices);
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
    const Weight table = card.device().make_weight(view_of(values, {9, 16}), format);
    const Tensor out(card.device(), DataType::f32, {5, 16});
    card.device().gather({table, ids, out});
    const std::vector<float> got = card.get(out);
    for (size_t i = 0; i < indices.size(); ++i) {
      const auto row = static_cast<size_t>(indices[i]);
      EXPECT_TRUE(std::equal(got.begin() + static_cast<std::ptrdiff_t>(i * 16),
                             got.begin() + static_cast<std::ptrdiff_t>(i * 16 + 16),
                             values.begin() + static_cast<std::ptrdiff_t>(row * 16)));
    }
  }
}

TEST_P(AscendElementwise, Pixels) {
  FakeCard card(GetParam());
  std::vector<uint8_t> first(8 * 8 * 3);
  std::iota(first.begin(), first.end(), uint8_t{0});
  std::vector<uint8_t> second(first.rbegin(), first.rend());
  for (uint8_t& level : second) level = static_cast<uint8_t>(255 - level);
  first.insert(first.end(), second.begin(), second.end());
  std::vector<float> expected(first.size());
  const TensorView levels(reinterpret_cast<const std::byte*>(first.data()), DataType::u8, {2, 8, 8, 3});
  cpu_device().normalize_pixels({levels, view_of(expected, {2, 8, 8, 3})});
  const Tensor on_card(card.device(), DataType::u8, levels.shape);
  card.device().upload(first.data(), on_card);
  const Tensor out(card.device(), DataType::f32, {2, 8, 8, 3});
  card.device().normalize_pixels({on_card, out});
  EXPECT_LT(relative_error(card.get(out), expected), 1e-6);
}

// The host may ask for any part of a tensor of any type.
TEST_P(AscendElementwise, ReadsWhatIsNotAligned) {
  Random random(5);
  FakeCard card(GetParam());
  const std::vector<float> values = rounded(random.values(100), card.half());
  for (const DataType type : {DataType::f32, card.half()}) {
    const Tensor tensor = card.put(values, {100}, type);
    EXPECT_EQ(card.get(tensor.view().slice(37, 20)), std::vector<float>(values.begin() + 37, values.begin() + 57));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, AscendElementwise, ::testing::Values(DataType::f16, DataType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace lectern::ascend
