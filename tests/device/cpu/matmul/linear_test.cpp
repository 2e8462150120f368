#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "device/host_values.h"
#include "device/step_batch.h"
#include "support/bits.h"
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
  int64_t written = 0;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "rows " << c.rows << " in " << c.in << " out " << c.out << " type " << name_of(c.type) << " bias "
             << c.bias << " activation " << static_cast<int>(c.activation) << " residual "
             << static_cast<int>(c.residual) << " written " << c.written;
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
                               .out = result,
                               .written = c.written});
    EXPECT_EQ(std::count(out.end() - guard, out.end(), 77.0f), static_cast<int64_t>(guard)) << c;
    out.resize(expected.size());
    EXPECT_LT(relative_error(out, expected), 1e-5) << c;
  });
}

TEST(Linear, EveryNumberOfRows) {
  Random random(1);
  for (int64_t rows = 1; rows <= 40; ++rows) {
    for (const DataType type : types) {
      check({.rows = rows,
             .in = random.between(1, 150),
             .out = random.between(1, 70),
             .type = type,
             .written = random.between(0, rows)},
            random);
    }
  }
}

TEST(Linear, EveryCombinationOfWhatFollowsTheProduct) {
  Random random(2);
  for (const int64_t rows : {1, 3, 20}) {
    for (const DataType type : types) {
      for (const Activation activation : activations) {
        for (const Residual residual : residuals) {
          for (const bool bias : {false, true})
            check({rows, random.between(1, 80), random.between(1, 40), type, bias, activation, residual, rows / 2},
                  random);
        }
      }
    }
  }
}

// Far below zero the result is zero, for both kinds of rows.
TEST(Linear, ActivationsOfLargeSums) {
  for (const int64_t rows : {2, 20}) {
    const std::vector<float> weight = {-1e30f, -1000, -178, -105, 105, 1000, 1e30f};
    const auto out_width = static_cast<int64_t>(weight.size());
    const std::vector<float> in(static_cast<size_t>(rows), 1.0f);
    for (const Activation activation : {Activation::gelu, Activation::quick_gelu, Activation::silu}) {
      for_each_target([&] {
        std::vector<float> out(in.size() * weight.size());
        cpu::linear(cpu_device(),
                    {.in = view_of(in, {rows, 1}),
                     .weight = cpu_device().make_weight(view_of(weight, {out_width, 1}), WeightFormat::f32),
                     .activation = activation,
                     .out = view_of(out, {rows, out_width}),
                     .written = rows / 2});
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

// A pool of rows and what follows their product; any of them are multiplied together.
class Company {
 public:
  static constexpr int64_t pool = 40;

  Company(Random& random, const Weight& weight)
      : weight_(weight),
        activation_(activations[random.bits() % activations.size()]),
        in_(random.values(pool * weight.in())),
        bias_(random.values(random.coin() ? weight.out() : 0)),
        residual_(random.values(random.coin() ? pool * weight.out() : 0)) {}

  // Rows of the pool, of which the first `written` are written.
  std::vector<float> multiply(const std::vector<int64_t>& rows, int64_t written) const {
    const auto count = static_cast<int64_t>(rows.size());
    std::vector<float> in, residual;
    for (const int64_t row : rows) {
      const auto of_row = testing::row_of(in_, row, weight_.in());
      in.insert(in.end(), of_row.begin(), of_row.end());
      if (residual_.empty()) continue;
      const auto added = testing::row_of(residual_, row, weight_.out());
      residual.insert(residual.end(), added.begin(), added.end());
    }
    std::vector<float> out(static_cast<size_t>(count * weight_.out()), std::nanf(""));
    cpu::linear(cpu_device(), {.in = view_of(in, {count, weight_.in()}),
                               .weight = weight_,
                               .bias = bias_.empty() ? TensorView() : view_of(bias_, {weight_.out()}),
                               .activation = activation_,
                               .residual = residual.empty() ? TensorView() : view_of(residual, {count, weight_.out()}),
                               .out = view_of(out, {count, weight_.out()}),
                               .written = written});
    return out;
  }

 private:
  const Weight& weight_;
  Activation activation_;
  std::vector<float> in_, bias_, residual_;
};

void expect_rows_independent(Random& random, const Weight& weight) {
  const Company company(random, weight);
  const int64_t out = weight.out();
  std::vector<std::vector<float>> as_written, as_prompt;
  for (int64_t row = 0; row < Company::pool; ++row) {
    as_written.push_back(company.multiply({row}, 1));
    as_prompt.push_back(company.multiply({row}, 0));
  }
  for (int round = 0; round < 6; ++round) {
    const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
    std::vector<int64_t> rows(static_cast<size_t>(random.between(1, Company::pool)));
    for (int64_t& row : rows) row = random.between(0, Company::pool - 1);
    const auto count = static_cast<int64_t>(rows.size());
    const int64_t written = random.coin() ? random.between(0, count) : random.between(0, 1) * count;
    const std::vector<float> got = company.multiply(rows, written);
    int64_t different = 0;
    for (int64_t i = 0; i < count; ++i) {
      const std::vector<float>& alone =
          (i < written ? as_written : as_prompt)[static_cast<size_t>(rows[static_cast<size_t>(i)])];
      different += testing::different_bits(testing::row_of(got, i, out), alone);
    }
    EXPECT_EQ(different, 0) << count << " rows, " << written << " written, " << weight.in() << " x " << out;
  }
}

TEST(Linear, RowsAreTheSameAloneAndInCompany) {
  Random random(6);
  for (int round = 0; round < 4; ++round) {
    const int64_t in = round == 0 ? 320 : random.between(1, 200);
    const int64_t out = round == 0 ? 96 : random.between(1, 70);
    for (const DataType type : types) {
      const RandomWeight weight(random, type, out, in);
      for_each_target([&] { expect_rows_independent(random, weight.matrix); });
    }
    for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
      const std::vector<float> values = random.values(in * out);
      const Weight weight = cpu_device().make_weight(view_of(values, {out, in}), format);
      for_each_target([&] { expect_rows_independent(random, weight); });
    }
  }
}

// Blocks of rows and tasks of a large product fall elsewhere.
TEST(Linear, RowsOfALargeProductAreTheSameAsAlone) {
  Random random(7);
  constexpr int64_t rows = 700;
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8}) {
    const std::vector<float> values = random.values(190 * 1280);
    const Weight weight = cpu_device().make_weight(view_of(values, {190, 1280}), format);
    const std::vector<float> in = random.values(rows * 1280);
    std::vector<float> all(rows * 190);
    std::vector<float> one(190);
    cpu::linear(cpu_device(),
                {.in = view_of(in, {rows, 1280}), .weight = weight, .out = view_of(all, {rows, 190}), .written = 20});
    for (int64_t row = 0; row < rows; row += row < 24 ? 1 : 23) {
      const std::vector<float> x(in.begin() + row * 1280, in.begin() + (row + 1) * 1280);
      cpu::linear(
          cpu_device(),
          {.in = view_of(x, {1, 1280}), .weight = weight, .out = view_of(one, {1, 190}), .written = row < 20 ? 1 : 0});
      EXPECT_EQ(testing::different_bits(testing::row_of(all, row, 190), one), 0)
          << "format " << static_cast<int>(format) << " row " << row;
    }
  }
}

constexpr std::array formats = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4};

// Weights of a format, of random values.
struct Weights {
  Weights(Random& random, int64_t out, int64_t in, WeightFormat format)
      : values(random.values(out * in)), matrix(cpu_device().make_weight(view_of(values, {out, in}), format)) {}
  std::vector<float> values;
  Weight matrix;
};

// Bit for bit what it is made of elsewhere.
TEST(GatedLinear, IsTwoProductsAndAMultiplication) {
  Random random(8);
  const auto parts = make_cpu_device(parse_operators("gated_linear"));
  for (const WeightFormat format : formats) {
    const Weights gate(random, 77, 100, format);
    const Weights up(random, 77, 100, format);
    const WeightStack gate_up{{gate.matrix, up.matrix}};
    for (const int64_t rows : {1, 3, 40}) {
      const std::vector<float> in = random.values(rows * 100);
      for_each_target([&] {
        for (const int64_t written : {int64_t{0}, rows / 2, rows}) {
          const auto run = [&](Device& device) {
            std::vector<float> out(static_cast<size_t>(rows * 77), std::nanf(""));
            device.gated_linear({.in = view_of(in, {rows, 100}),
                                 .gate_up = gate_up,
                                 .out = view_of(out, {rows, 77}),
                                 .written = written});
            return out;
          };
          EXPECT_EQ(testing::different_bits(run(cpu_device()), run(*parts)), 0)
              << "format " << static_cast<int>(format) << ", " << rows << " rows, " << written << " written";
        }
      });
    }
  }
}

TEST(GatedLinear, OfBf16AndOfNoRows) {
  Random random(9);
  const Weights gate(random, 20, 30, WeightFormat::bf16);
  const Weights up(random, 20, 30, WeightFormat::bf16);
  const WeightStack gate_up{{gate.matrix, up.matrix}};
  const std::vector<float> in = random.values(4 * 30);
  const auto run = [&](DataType type, int64_t rows) {
    const Tensor x(cpu_device(), type, {rows, 30});
    const Tensor out(cpu_device(), type, {rows, 20});
    cpu_device().copy({view_of(in, {4, 30}).slice(0, rows), x});
    cpu_device().gated_linear({.in = x, .gate_up = gate_up, .out = out});
    return floats_to_host(cpu_device(), out);
  };
  const std::vector<float> wide = run(DataType::f32, 4);
  for (const DataType type : {DataType::bf16, DataType::f16})
    EXPECT_LT(relative_error(run(type, 4), std::vector<double>(wide.begin(), wide.end())), 2e-2) << name_of(type);
  EXPECT_TRUE(run(DataType::f32, 0).empty());
}

// Bit for bit what it is made of elsewhere, in the cache too.
TEST(ProjectQkv, IsItsParts) {
  constexpr int heads = 4;
  constexpr int kv_heads = 2;
  constexpr int size = 16;
  Random random(10);
  const auto parts = make_cpu_device(parse_operators("project_qkv"));
  ASSERT_NE(parts->operators().lowering(Operator::project_qkv, DataType::f32), nullptr);
  for (const WeightFormat format : formats) {
    const Weights q(random, heads * size, 70, format);
    const Weights k(random, kv_heads * size, 70, format);
    const Weights v(random, kv_heads * size, 70, format);
    const WeightStack qkv{{q.matrix, k.matrix, v.matrix}};
    const std::vector<float> norm = random.values(70);
    for (const int64_t rows : {1, 5, 60}) {
      const std::vector<float> x = random.values(rows * 70);
      const std::array<int32_t, 3> pages = {2, 0, 1};
      const std::array<SequenceRows, 1> sequences = {{{0, rows, 59, pages}}};
      for_each_target([&] {
        const auto run = [&](Device& device) {
          const CacheFormat cache = device.cache_format(kv_heads, size, format);
          std::vector<std::byte> memory(3 * cache.page_bytes);
          const StepBatch step(device, sequences, cache.page_tokens);
          std::vector<float> queries(static_cast<size_t>(rows * heads * size), std::nanf(""));
          device.project_qkv({.x = view_of(x, {rows, 70}),
                              .norm = view_of(norm, {70}),
                              .qkv = qkv,
                              .heads = heads,
                              .step = step,
                              .cache = {memory.data(), 3, kv_heads, size, cache},
                              .queries = view_of(queries, {rows, heads * size}),
                              .written = rows / 2});
          return std::pair(queries, memory);
        };
        const auto [queries, memory] = run(cpu_device());
        const auto [expected, expected_memory] = run(*parts);
        EXPECT_EQ(testing::different_bits(queries, expected), 0)
            << "format " << static_cast<int>(format) << ", " << rows << " rows";
        EXPECT_TRUE(memory == expected_memory) << "format " << static_cast<int>(format) << ", " << rows << " rows";
      });
    }
  }
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
