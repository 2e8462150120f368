#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::activated;
using testing::for_each_target;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

constexpr std::array types = {DataType::f32, DataType::bf16, DataType::f16};
constexpr std::array activations = {Activation::none, Activation::gelu, Activation::quick_gelu, Activation::silu};
enum class Residual { none, in_place, apart };
constexpr std::array residuals = {Residual::none, Residual::in_place, Residual::apart};

struct Case {
  int64_t rows, in, out;
  DataType type = DataType::f32;
  bool bias = false;
  Activation activation = Activation::none;
  Residual residual = Residual::none;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "rows " << c.rows << " in " << c.in << " out " << c.out << " type " << name_of(c.type) << " bias "
             << c.bias << " activation " << static_cast<int>(c.activation) << " residual "
             << static_cast<int>(c.residual);
}

void check(const Case& c, Random& random) {
  constexpr size_t guard = 16;  // floats behind the result that stay as they are
  const RandomWeight weight(random, c.type, c.out, c.in);
  const std::vector<float> in = random.values(c.rows * c.in);
  const std::vector<float> bias = random.values(c.bias ? c.out : 0);
  const std::vector<float> residual = random.values(c.residual == Residual::none ? 0 : c.rows * c.out);
  std::vector<double> expected;
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t n = 0; n < c.out; ++n) {
      const double sum = weight.times(n, in.data() + i * c.in) + (c.bias ? bias[static_cast<size_t>(n)] : 0.0f);
      expected.push_back(activated(c.activation, sum) +
                         (residual.empty() ? 0.0f : residual[static_cast<size_t>(i * c.out + n)]));
    }
  }
  for_each_target([&] {
    std::vector<float> out(expected.size(), std::nanf(""));
    if (c.residual == Residual::in_place) out = residual;
    out.resize(expected.size() + guard, 77.0f);
    const Shape shape = {c.rows, c.out};
    const MutableTensorView result = view_of(out, shape);
    TensorView added;
    if (c.residual == Residual::in_place) added = result;
    if (c.residual == Residual::apart) added = view_of(residual, shape);
    cpu::linear(cpu_device(), {.in = view_of(in, {c.rows, c.in}),
                               .weight = weight.matrix,
                               .bias = view_of(bias, {c.out}),
                               .activation = c.activation,
                               .residual = added,
                               .out = result});
    EXPECT_EQ(std::count(out.end() - guard, out.end(), 77.0f), static_cast<int64_t>(guard)) << c;
    out.resize(expected.size());
    EXPECT_LT(relative_error(out, expected), 1e-5) << c;
  });
}

TEST(Linear, EveryNumberOfRows) {
  Random random(1);
  for (int64_t rows = 1; rows <= 40; ++rows) {
    for (const DataType type : types) check({rows, random.between(1, 150), random.between(1, 70), type}, random);
  }
}

TEST(Linear, EveryCombinationOfWhatFollowsTheProduct) {
  Random random(2);
  for (const int64_t rows : {1, 3, 20}) {
    for (const DataType type : types) {
      for (const Activation activation : activations) {
        for (const Residual residual : residuals) {
          for (const bool bias : {false, true})
            check({rows, random.between(1, 80), random.between(1, 40), type, bias, activation, residual}, random);
        }
      }
    }
  }
}

// Far below zero the result is zero, on either side of the border between few rows and many.
TEST(Linear, ActivationsOfLargeSums) {
  for (const int64_t rows : {2, 20}) {
    const std::vector<float> weight = {-1e30f, -1000, -178, -105, 105, 1000, 1e30f};
    const auto out_width = static_cast<int64_t>(weight.size());
    const std::vector<float> in(static_cast<size_t>(rows), 1.0f);
    for (const Activation activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
      for_each_target([&] {
        std::vector<float> out(in.size() * weight.size());
        cpu::linear(cpu_device(), {.in = view_of(in, {rows, 1}),
                                   .weight = cpu_device().matrix(view_of(weight, {out_width, 1}), WeightFormat::f32),
                                   .activation = activation,
                                   .out = view_of(out, {rows, out_width})});
        for (size_t i = 0; i < out.size(); ++i) {
          const float sum = weight[i % weight.size()];
          EXPECT_FLOAT_EQ(out[i] + 1, std::max(0.0f, sum) + 1) << "activation " << static_cast<int>(activation);
        }
      });
    }
  }
}

TEST(Linear, LargerThanOneBlock) {
  Random random(3);
  for (const int64_t rows : {16, 17, 200}) check({rows, 777, 333, DataType::bf16, true, Activation::gelu}, random);
}

TEST(Linear, LeadingExtentsAreRows) {
  Random random(4);
  const RandomWeight weight(random, DataType::f32, 5, 7);
  const std::vector<float> in = random.values(2 * 3 * 4 * 7);
  std::vector<float> flat(2 * 3 * 4 * 5);
  std::vector<float> ranked(flat.size());
  cpu_device().linear({.in = view_of(in, {24, 7}), .weight = weight.matrix, .out = view_of(flat, {24, 5})});
  cpu_device().linear({.in = view_of(in, {2, 3, 4, 7}), .weight = weight.matrix, .out = view_of(ranked, {2, 3, 4, 5})});
  EXPECT_EQ(flat, ranked);
}

TEST(Linear, NoRowsIsNothingToDo) {
  Random random(5);
  const RandomWeight weight(random, DataType::f32, 5, 7);
  std::vector<float> one(7, 3.0f);
  cpu_device().linear({.in = view_of(one, {0, 7}), .weight = weight.matrix, .out = view_of(one, {0, 5})});
  EXPECT_EQ(one, std::vector<float>(7, 3.0f));
}

}  // namespace
}  // namespace lectern
