#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "device/host_values.h"
#include "device/step_batch.h"
#include "support/bits.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

constexpr std::array types = {DataType::f32, DataType::bf16, DataType::f16};

void check_norm(Random& random, int64_t rows, int64_t width, bool layer, float offset) {
  std::vector<float> in = random.values(rows * width, 2);
  for (float& x : in) x += offset;
  const std::vector<float> weight = random.values(width);
  const std::vector<float> bias = random.values(layer ? width : 0);
  constexpr float epsilon = 1e-5f;
  std::vector<double> expected;
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = in.data() + row * width;
    double mean = 0;
    for (int64_t i = 0; i < width && layer; ++i) mean += static_cast<double>(x[i]) / static_cast<double>(width);
    double square = 0;
    for (int64_t i = 0; i < width; ++i) square += (x[i] - mean) * (x[i] - mean) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      const auto at = static_cast<size_t>(i);
      expected.push_back((x[i] - mean) / std::sqrt(square + static_cast<double>(epsilon)) *
                             static_cast<double>(weight[at]) +
                         (layer ? static_cast<double>(bias[at]) : 0.0));
    }
  }
  for_each_target([&] {
    for (const bool in_place : {false, true}) {
      std::vector<float> out(in.size(), std::nanf(""));
      if (in_place) out = in;
      const NormArgs args{view_of(in_place ? out : in, {rows, width}), view_of(weight, {width}), view_of(bias, {width}),
                          epsilon, view_of(out, {rows, width})};
      layer ? cpu::layer_norm(cpu_device(), args) : cpu::rms_norm(cpu_device(), args);
      EXPECT_LT(relative_error(out, expected), 1e-5 * std::max(1.0f, offset)) << rows << " x " << width;
    }
  });
}

TEST(Elementwise, LayerNorm) {
  Random random(1);
  for (int64_t width = 1; width <= 70; ++width) check_norm(random, random.between(1, 4), width, true, 0);
  check_norm(random, 50, 1000, true, 0);
  check_norm(random, 3, 100, true, 30);  // far from 0
}

TEST(Elementwise, RmsNorm) {
  Random random(2);
  for (int64_t width = 1; width <= 70; ++width) check_norm(random, random.between(1, 4), width, false, 0);
  check_norm(random, 50, 1000, false, 1);
}

TEST(Elementwise, NormsOfZerosAreFinite) {
  for_each_target([&] {
    std::vector<float> x(33, 0.0f);
    const std::vector<float> weight(33, 2.0f);
    cpu::rms_norm(cpu_device(), {.in = view_of(x, {33}), .weight = view_of(weight, {33}), .out = view_of(x, {33})});
    EXPECT_EQ(x, std::vector<float>(33, 0.0f));
  });
}

void check_rope(Random& random, int heads, int64_t size, std::vector<SequenceRows> sequences, double tolerance) {
  constexpr int64_t rows = 40;
  const int64_t width = heads * size;
  constexpr float theta = 1e4f;
  const std::vector<float> in = random.values(rows * width);
  std::vector<double> expected(in.begin(), in.end());  // rows of no sequence stay as they are
  for (const SequenceRows& sequence : sequences) {
    for (int64_t row = 0; row < sequence.rows; ++row) {
      for (int64_t i = 0; i < size / 2; ++i) {
        const double angle =
            static_cast<double>(sequence.position + row) *
            std::pow(static_cast<double>(theta), -2.0 * static_cast<double>(i) / static_cast<double>(size));
        for (int head = 0; head < heads; ++head) {
          const auto a = static_cast<size_t>((sequence.first_row + row) * width + head * size + i);
          const size_t b = a + static_cast<size_t>(size / 2);
          const double x = in[a];
          const double y = in[b];
          expected[a] = x * std::cos(angle) - y * std::sin(angle);
          expected[b] = y * std::cos(angle) + x * std::sin(angle);
        }
      }
    }
  }
  const StepBatch step(cpu_device(), sequences);
  for_each_target([&] {
    std::vector<float> x = in;
    cpu::rope(cpu_device(), {view_of(x, {rows, width}), heads, theta, step});
    EXPECT_LT(relative_error(x, expected), tolerance) << heads << " heads of " << size;
  });
}

TEST(Elementwise, Rope) {
  Random random(3);
  for (const int64_t size : {2, 4, 20, 32, 66, 128}) {
    check_rope(random, 3, size, {{.first_row = 0, .rows = 40, .position = 0}}, 1e-5);
    check_rope(random, 2, size,
               {{.first_row = 30, .rows = 5, .position = 63}, {.first_row = 2, .rows = 1, .position = 130}}, 3e-5);
    check_rope(random, 1, size, {{.first_row = 0, .rows = 40, .position = 8150}}, 2e-3);  // angles have 24 bits
  }
}

// Of bf16 values, what f32 gives, rounded.
TEST(Elementwise, RopeOfNarrowValues) {
  Random random(31);
  constexpr int64_t rows = 9, heads = 3, size = 20;
  const Shape shape = {rows, heads * size};
  const std::vector<float> values = random.values(shape.elements());
  const std::vector<SequenceRows> sequences = {{.first_row = 5, .rows = 4, .position = 0},
                                               {.first_row = 0, .rows = 4, .position = 700}};
  const StepBatch step(cpu_device(), sequences);
  for_each_target([&] {
    const Tensor narrow(cpu_device(), DataType::bf16, shape);
    const Tensor wide(cpu_device(), DataType::f32, shape);
    const Tensor expected(cpu_device(), DataType::bf16, shape);
    cpu_device().copy({view_of(values, shape), narrow});
    cpu_device().copy({narrow, wide});
    cpu::rope(cpu_device(), {narrow, heads, 1e6f, step});
    cpu::rope(cpu_device(), {wide, heads, 1e6f, step});
    cpu_device().copy({wide, expected});
    EXPECT_EQ(testing::copy_of<uint16_t>(narrow), testing::copy_of<uint16_t>(expected));
  });
}

TEST(Elementwise, AddAndMultiplyRepeatTheShorter) {
  Random random(4);
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{1}, {1}},       {{5, 7}, {5, 7}},       {{5, 7}, {7}},           {{3, 5, 7}, {5, 7}}, {{3, 5, 7}, {5, 7}},
      {{3, 5, 7}, {7}}, {{3, 5, 7}, {3, 5, 7}}, {{2, 33, 35}, {33, 35}}, {{300, 401}, {401}}, {{300, 401}, {300, 401}}};
  for (const auto& [shape, short_shape] : shapes) {
    const std::vector<float> a = random.values(shape.elements());
    const std::vector<float> b = random.values(short_shape.elements());
    for_each_target([&, &shape = shape, &short_shape = short_shape] {
      for (const bool in_place : {false, true}) {
        for (const bool product : {false, true}) {
          std::vector<float> out(a.size(), std::nanf(""));
          if (in_place) out = a;
          const BinaryArgs args{.a = view_of(in_place ? out : a, shape),
                                .b = broadcast(view_of(b, short_shape), shape),
                                .out = view_of(out, shape)};
          product ? cpu::multiply(cpu_device(), args) : cpu::add(cpu_device(), args);
          for (size_t i = 0; i < out.size(); ++i) {
            const float y = b[i % b.size()];
            ASSERT_EQ(out[i], product ? a[i] * y : a[i] + y) << to_string(shape) << to_string(short_shape) << i;
          }
        }
      }
    });
  }
}

TEST(Elementwise, Gather) {
  Random random(5);
  for (const DataType type : types) {
    for (const int64_t width : {1, 15, 16, 33, 128}) {
      const RandomWeight table(random, type, 9, width);
      const std::vector<int32_t> indices = {8, 0, 3, 3, 0, 7};
      const Tensor ids = from_host(cpu_device(), indices);
      for_each_target([&] {
        std::vector<float> out(indices.size() * static_cast<size_t>(width));
        cpu::gather(cpu_device(), {table.matrix, ids, view_of(out, {static_cast<int64_t>(indices.size()), width})});
        for (size_t i = 0; i < out.size(); ++i) {
          const auto row = static_cast<size_t>(indices[i / static_cast<size_t>(width)]);
          ASSERT_EQ(out[i], table.values[row * static_cast<size_t>(width) + i % static_cast<size_t>(width)]);
        }
      });
    }
  }
}

TEST(Elementwise, CopyKeepsToItsColumns) {
  Random random(6);
  const std::vector<float> in = random.values(7 * 11);
  std::vector<float> out(7 * 13, 77.0f);
  cpu::copy(cpu_device(), {StridedView(view_of(in, {7 * 11}), 2, {6, 5}, {11, 1}),
                           MutableStridedView(view_of(out, {7 * 13}), 3, {6, 5}, {13, 1})});
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t row = i / 13;
    const size_t column = i % 13;
    const bool inside = row < 6 && column >= 3 && column < 8;
    EXPECT_EQ(out[i], inside ? in[row * 11 + column - 3 + 2] : 77.0f) << row << ", " << column;
  }
}

TEST(Elementwise, Pixels) {
  std::vector<uint8_t> first(16 * 16 * 3);
  std::vector<uint8_t> second(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    first[i] = static_cast<uint8_t>(i);
    second[i] = static_cast<uint8_t>(255 - i);
  }
  std::vector<uint8_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  std::vector<float> out(both.size());
  const TensorView levels(reinterpret_cast<const std::byte*>(both.data()), DataType::u8, {2, 16, 16, 3});
  cpu::normalize_pixels(cpu_device(), {levels, view_of(out, {2, 16, 16, 3})});
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t level = i < first.size() ? first[i] : second[i - first.size()];
    ASSERT_EQ(out[i], (static_cast<float>(level) / 255 - 0.5f) / 0.5f);
  }
}

// The largest of a row that is a number and not banned, of equal ones the lower, with its share of all.
TEST(Elementwise, WidenOddSizes) {
  Random random(7);
  for (const DataType type : types) {
    for (int64_t count = 0; count <= 70; ++count) {
      const RandomWeight weight(random, type, 1, count + 1);
      for_each_target([&] {
        for (const int64_t start : {0, 1}) {  // aligned to its element alone
          std::vector<float> out(static_cast<size_t>(count) + 1, 77.0f);
          cpu::widen({weight.bytes.data() + static_cast<size_t>(start) * size_of(type), type, {count}}, out.data());
          for (size_t i = 0; i < static_cast<size_t>(count); ++i)
            ASSERT_EQ(out[i], weight.values[i + static_cast<size_t>(start)]);
          ASSERT_EQ(out.back(), 77.0f);
        }
      });
    }
  }
}

TEST(Elementwise, WidenEveryPattern) {
  std::vector<uint16_t> patterns(65536);
  std::iota(patterns.begin(), patterns.end(), uint16_t{0});
  for_each_target([&] {
    for (const DataType type : {DataType::bf16, DataType::f16}) {
      std::vector<float> out(patterns.size());
      cpu::widen({reinterpret_cast<const std::byte*>(patterns.data()), type, {65536}}, out.data());
      for (const uint16_t bits : patterns) {
        const float expected = type == DataType::bf16 ? bf16_to_f32(bits) : f16_to_f32(bits);
        if (type == DataType::f16 && !std::isfinite(expected)) {
          // Where the processor cannot convert, Highway 1.0.3 makes these finite, but larger than any other.
          ASSERT_TRUE(!(std::abs(out[bits]) < 65536.0f)) << bits;
        } else if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(out[bits])) << name_of(type) << " " << bits;
        } else {
          ASSERT_EQ(out[bits], expected) << name_of(type) << " " << bits;
          ASSERT_EQ(std::signbit(out[bits]), std::signbit(expected)) << name_of(type) << " " << bits;
        }
      }
    }
  });
}

TEST(Elementwise, Activations) {
  Random random(8);
  for (const auto activation : {Activation::none, Activation::gelu, Activation::quick_gelu, Activation::silu}) {
    for (const int64_t count : {1, 7, 16, 255, 257, 1000}) {
      const std::vector<float> in = random.values(count, 12);
      std::vector<double> expected;
      for (const float x : in) expected.push_back(testing::activated(activation, x));
      for_each_target([&] {
        std::vector<float> x = in;
        x.push_back(77.0f);
        cpu::activate(activation, x.data(), count);
        EXPECT_EQ(x.back(), 77.0f);
        x.pop_back();
        EXPECT_LT(relative_error(x, expected), 1e-6);
      });
    }
  }
}

TEST(Elementwise, ActivationsOfLargeValues) {
  const std::vector<float> in = {-1e30f, -3e4f, -1000, -500, -200, -178, -105,  -89,
                                 -40,    40,    89,    105,  200,  3e4f, 1e30f, 0};
  for (const auto activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
    for_each_target([&] {
      std::vector<float> x = in;
      cpu::activate(activation, x.data(), static_cast<int64_t>(x.size()));
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(x[i], std::max(0.0f, in[i]), 1e-6) << "activation " << static_cast<int>(activation) << " " << in[i];
    });
  }
}

TEST(Elementwise, NotANumberStays) {
  for_each_target([] {
    for (const auto activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
      std::vector<float> x(17, std::nanf(""));
      cpu::activate(activation, x.data(), 17);
      for (const float value : x) EXPECT_TRUE(std::isnan(value));
    }
  });
}

// Rows with a width that is no multiple of a vector, alone and among others, on one thread and several.
TEST(Elementwise, RowsAreTheSameAloneAndInCompany) {
  Random random(20);
  for (const int64_t width : {68, 1280}) {
    constexpr int64_t rows = 37;
    const std::vector<float> in = random.values(rows * width);
    const std::vector<float> weight = random.values(width);
    const std::vector<float> bias = random.values(width);
    // Norms with and without a bias, an activation and a rotation of the same rows.
    const auto run = [&](int64_t first, int64_t count) {
      std::vector<float> x(in.begin() + first * width, in.begin() + (first + count) * width);
      std::vector<float> normed(x.size());
      const Shape shape = {count, width};
      cpu::layer_norm(cpu_device(), {.in = view_of(x, shape),
                                     .weight = view_of(weight, {width}),
                                     .bias = view_of(bias, {width}),
                                     .out = view_of(normed, shape)});
      cpu::activate(Activation::gelu, normed.data(), count * width);
      cpu::activate(Activation::silu, normed.data(), count * width);
      const SequenceRows sequence{.first_row = 0, .rows = count, .position = first};
      const StepBatch step(cpu_device(), {&sequence, 1});
      cpu::rope(cpu_device(), {view_of(normed, shape), 2, 1e4f, step});
      cpu::multiply(cpu_device(), {.a = view_of(normed, shape), .b = view_of(x, shape), .out = view_of(normed, shape)});
      cpu::rms_norm(cpu_device(),
                    {.in = view_of(normed, shape), .weight = view_of(weight, {width}), .out = view_of(normed, shape)});
      return normed;
    };
    for_each_target([&] {
      const std::vector<float> all = run(0, rows);
      for (int round = 0; round < 20; ++round) {
        const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
        const int64_t first = random.between(0, rows - 1);
        const int64_t count = random.between(1, rows - first);
        const auto expected =
            std::span(all).subspan(static_cast<size_t>(first * width), static_cast<size_t>(count * width));
        EXPECT_EQ(testing::different_bits(run(first, count), expected), 0) << first << ", " << count << " rows";
      }
    });
  }
}

}  // namespace
}  // namespace lectern
