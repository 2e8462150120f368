#include "device/cpu/matmul/panel_products.h"

#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "device/cpu/matmul/panels.h"
#include "support/values.h"
#include "support/vector_targets.h"
#include "support/weight_values.h"

namespace lectern {
namespace {

using testing::activated;
using testing::for_each_target;
using testing::Random;
using testing::relative_error;
using testing::view_of;

constexpr std::array formats = {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4};

// A packed weight and its values as they were kept.
struct PackedWeight {
  PackedWeight(Random& random, WeightFormat format, int64_t out, int64_t in)
      : matrix(cpu_device().make_weight(view_of(random.values(out * in), {out, in}), format)),
        values(testing::floats_of(cpu::unpack(matrix))) {}
  double times(int64_t n, const float* x) const {
    double sum = 0;
    for (int64_t k = 0; k < matrix.in(); ++k)
      sum += static_cast<double>(values[static_cast<size_t>(n * matrix.in() + k)]) * x[k];
    return sum;
  }
  Weight matrix;
  std::vector<float> values;
};

// Rows that bf16 holds exactly, and blocks of bytes too, whose largest number is 127: then every kernel owes the same
// result.
std::vector<float> exact_rows(Random& random, int64_t rows, int64_t in) {
  std::vector<float> values;
  for (int64_t i = 0; i < rows * in; ++i)
    values.push_back(i % in % 32 == 0 ? -127.0f : static_cast<float>(random.between(-127, 127)));
  for (float& x : values) x *= 0x1p-7f;
  return values;
}

// Written rows multiply the numbers and scale the sums; those of prompts multiply weights that were rounded to bf16.
double bound_of(WeightFormat format, bool all_written) {
  return format == WeightFormat::bf16 || all_written ? 2e-6 : 4e-3;
}

TEST(PanelProducts, EveryNumberOfRows) {
  Random random(1);
  for (const WeightFormat format : formats) {
    for (int64_t rows = 1; rows <= 40; ++rows) {
      const PackedWeight weight(random, format, random.between(1, 70), random.between(1, 200));
      const int64_t in = weight.matrix.in();
      const int64_t out = weight.matrix.out();
      const int64_t written = random.coin() ? random.between(0, rows) : random.coin() * rows;
      const std::vector<float> x = exact_rows(random, rows, in);
      std::vector<double> expected;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t n = 0; n < out; ++n) expected.push_back(weight.times(n, x.data() + i * in));
      }
      for_each_target([&] {
        std::vector<float> y(static_cast<size_t>(rows * out + 1), 77.0f);
        cpu_device().linear({.in = view_of(x, {rows, in}),
                             .weight = weight.matrix,
                             .out = view_of(y, {rows, out}),
                             .written = written});
        EXPECT_EQ(y.back(), 77.0f);
        y.pop_back();
        EXPECT_LT(relative_error(y, expected), bound_of(format, written == rows))
            << rows << " x " << in << " x " << out << ", " << written << " written";
      });
    }
  }
}

TEST(PanelProducts, WhatFollowsTheProduct) {
  Random random(2);
  for (const WeightFormat format : formats) {
    for (const int64_t rows : {1, 5, 30}) {
      for (const auto activation : {Activation::none, Activation::gelu, Activation::quick_gelu, Activation::silu}) {
        for (const bool residual : {false, true}) {
          const PackedWeight weight(random, format, random.between(1, 60), random.between(1, 130));
          const int64_t in = weight.matrix.in();
          const int64_t out = weight.matrix.out();
          const int64_t written = random.coin() ? rows : 0;
          const std::vector<float> x = exact_rows(random, rows, in);
          const std::vector<float> bias = random.values(out);
          const std::vector<float> before = random.values(rows * out);
          std::vector<double> expected;
          for (int64_t i = 0; i < rows; ++i) {
            for (int64_t n = 0; n < out; ++n) {
              const double sum = weight.times(n, x.data() + i * in) + bias[static_cast<size_t>(n)];
              expected.push_back(activated(activation, sum) +
                                 (residual ? before[static_cast<size_t>(i * out + n)] : 0.0f));
            }
          }
          for_each_target([&] {
            std::vector<float> y = before;
            const MutableTensorView result = view_of(y, {rows, out});
            cpu_device().linear({.in = view_of(x, {rows, in}),
                                 .weight = weight.matrix,
                                 .bias = view_of(bias, {out}),
                                 .activation = activation,
                                 .residual = residual ? TensorView(result) : TensorView(),
                                 .out = result,
                                 .written = written});
            EXPECT_LT(relative_error(y, expected), bound_of(format, written > 0) + 1e-6)
                << rows << " x " << in << " x " << out << ", activation " << static_cast<int>(activation);
          });
        }
      }
    }
  }
}

TEST(PanelProducts, Bf16InAndOut) {
  Random random(3);
  for (const int64_t rows : {1, 13, 50}) {
    for (const int64_t in : {64, 100}) {
      const PackedWeight weight(random, WeightFormat::bf16, 37, in);
      const std::vector<float> x = exact_rows(random, rows, in);
      std::vector<uint16_t> narrow_x;
      for (const float value : x) narrow_x.push_back(f32_to_bf16(value));
      std::vector<double> expected;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t n = 0; n < 37; ++n) expected.push_back(weight.times(n, x.data() + i * in));
      }
      for_each_target([&] {
        std::vector<uint16_t> bits(static_cast<size_t>(rows * 37));
        cpu_device().linear({.in = {reinterpret_cast<const std::byte*>(narrow_x.data()), DataType::bf16, {rows, in}},
                             .weight = weight.matrix,
                             .out = {reinterpret_cast<std::byte*>(bits.data()), DataType::bf16, {rows, 37}}});
        std::vector<float> y;
        for (const uint16_t b : bits) y.push_back(bf16_to_f32(b));
        EXPECT_LT(relative_error(y, expected), 4e-3);
      });
    }
  }
}

TEST(PanelProducts, Gates) {
  Random random(4);
  for (const WeightFormat format : formats) {
    for (const int64_t rows : {1, 2, 9, 17, 60}) {
      const int64_t in = random.between(1, 150);
      const int64_t out = random.between(1, 50);
      const int64_t written = random.coin() ? rows : random.between(0, rows);
      const PackedWeight up(random, format, out, in);
      const PackedWeight gate(random, format, out, in);
      const std::vector<float> x = exact_rows(random, rows, in);
      std::vector<double> expected;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t n = 0; n < out; ++n)
          expected.push_back(activated(Activation::silu, gate.times(n, x.data() + i * in)) *
                             up.times(n, x.data() + i * in));
      }
      for_each_target([&] {
        const cpu::ProductRows in_rows(cpu_device(), view_of(x, {rows, in}), format);
        std::vector<float> y(static_cast<size_t>(rows * out));
        const cpu::PanelProduct one{.weight = &up.matrix,
                                    .gate = &gate.matrix,
                                    .rows = &in_rows,
                                    .count = rows,
                                    .written = written,
                                    .out = reinterpret_cast<std::byte*>(y.data()),
                                    .out_stride = out};
        cpu::panel_products({&one, 1});
        EXPECT_LT(relative_error(y, expected), 2 * bound_of(format, written == rows))
            << rows << " x " << in << " x " << out;
      });
    }
  }
}

// Products of very different sizes share the threads; each keeps to its own rows.
TEST(PanelProducts, SeveralInOneCall) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    const int64_t in = random.between(1, 150);
    const std::vector<float> x = exact_rows(random, 90, in);
    std::vector<PackedWeight> weights;
    std::vector<int64_t> first, count, written;
    for (int64_t at = 0, i = random.between(2, 7); i > 0; --i) {
      weights.emplace_back(random, formats[random.bits() % 3], random.between(1, 80), in);
      first.push_back(at);
      count.push_back(random.between(0, round % 2 == 0 ? 8 : 40));
      written.push_back(random.between(0, count.back()));
      at = std::min<int64_t>(at + count.back(), 45);
    }
    for_each_target([&] {
      const cpu::ProductRows rows(cpu_device(), view_of(x, {90, in}), WeightFormat::q8);
      std::vector<std::vector<float>> y;
      std::vector<cpu::PanelProduct> products;
      for (size_t i = 0; i < weights.size(); ++i)
        y.emplace_back(static_cast<size_t>(count[i] * weights[i].matrix.out()), std::nanf(""));
      for (size_t i = 0; i < weights.size(); ++i)
        products.push_back({.weight = &weights[i].matrix,
                            .rows = &rows,
                            .first = first[i],
                            .count = count[i],
                            .written = written[i],
                            .out = reinterpret_cast<std::byte*>(y[i].data()),
                            .out_stride = weights[i].matrix.out()});
      cpu::panel_products(products);
      for (size_t i = 0; i < weights.size(); ++i) {
        std::vector<double> expected;
        for (int64_t row = first[i]; row < first[i] + count[i]; ++row) {
          for (int64_t n = 0; n < weights[i].matrix.out(); ++n)
            expected.push_back(weights[i].times(n, x.data() + row * in));
        }
        EXPECT_LT(relative_error(y[i], expected), 4e-3) << "product " << i;
      }
    });
  }
}

// Other rows are rounded: to bf16, or in blocks of 32 to 1/254 of the largest value. Errors of many terms cancel.
TEST(PanelProducts, RoundedRows) {
  Random random(7);
  for (const WeightFormat format : formats) {
    for (const int64_t rows : {1, 3, 16, 30}) {
      const PackedWeight weight(random, format, 100, 1280);
      std::vector<float> x = random.values(rows * 1280);
      for (size_t i = 0; i < x.size(); ++i) x[i] *= std::ldexp(1.0f, static_cast<int>(i / 32 % 40) - 20);
      std::vector<double> expected;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t n = 0; n < 100; ++n) expected.push_back(weight.times(n, x.data() + i * 1280));
      }
      for_each_target([&] {
        std::vector<float> y(static_cast<size_t>(rows * 100));
        for (const int64_t written : {int64_t{0}, rows}) {
          cpu_device().linear({.in = view_of(x, {rows, 1280}),
                               .weight = weight.matrix,
                               .out = view_of(y, {rows, 100}),
                               .written = written});
          EXPECT_LT(relative_error(y, expected), 8e-3) << rows;
        }
      });
    }
  }
}

// What is not a number, or too large for one, is not lost.
TEST(PanelProducts, RowsThatAreNoNumbers) {
  Random random(8);
  for (const WeightFormat format : formats) {
    const PackedWeight weight(random, format, 20, 100);
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
      std::vector<float> x = random.values(2 * 100);
      x[140] = bad;
      for_each_target([&] {
        std::vector<float> y(2 * 20);
        for (const int64_t written : {0, 2}) {
          cpu_device().linear(
              {.in = view_of(x, {2, 100}), .weight = weight.matrix, .out = view_of(y, {2, 20}), .written = written});
          for (size_t i = 0; i < 20; ++i) {
            EXPECT_TRUE(std::isfinite(y[i]));
            EXPECT_FALSE(std::isfinite(y[20 + i]));
          }
        }
      });
    }
  }
}

// Far below zero the result is zero; what is not a number stays so.
TEST(PanelProducts, ActivationsOfLargeSums) {
  const std::vector<float> weight = {-1e30f, -1000, -178, -105, 105, 1000, 1e30f, std::nanf("")};
  const auto out = static_cast<int64_t>(weight.size());
  for (const int64_t rows : {2, 20}) {
    const std::vector<float> in(static_cast<size_t>(rows), 1.0f);
    for (const auto activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
      for_each_target([&] {
        std::vector<float> y(in.size() * weight.size());
        const Weight matrix = cpu_device().make_weight(view_of(weight, {out, 1}), WeightFormat::bf16);
        cpu_device().linear({.in = view_of(in, {rows, 1}),
                             .weight = matrix,
                             .activation = activation,
                             .out = view_of(y, {rows, out}),
                             .written = rows / 2});
        for (size_t i = 0; i < y.size(); ++i) {
          const float sum = bf16_to_f32(f32_to_bf16(weight[i % weight.size()]));
          if (std::isnan(sum)) {
            EXPECT_TRUE(std::isnan(y[i]));
          } else {
            EXPECT_FLOAT_EQ(y[i] + 1, std::max(0.0f, sum) + 1) << "activation " << static_cast<int>(activation);
          }
        }
      });
    }
  }
}

TEST(PanelProducts, NoRowsIsNothingToDo) {
  Random random(6);
  const PackedWeight weight(random, WeightFormat::q8, 5, 7);
  std::vector<float> one(7, 3.0f);
  cpu_device().linear({.in = view_of(one, {0, 7}), .weight = weight.matrix, .out = view_of(one, {0, 5})});
  EXPECT_EQ(one, std::vector<float>(7, 3.0f));
  cpu::panel_products({});
}

}  // namespace
}  // namespace lectern
