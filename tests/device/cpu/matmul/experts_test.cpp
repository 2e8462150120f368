#include <gtest/gtest.h>

#include <limits>

#include "device/cpu/kernels.h"
#include "support/bits.h"
#include "support/experts.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::bank_of;
using testing::Expert;
using testing::for_each_target;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

struct Case {
  int64_t rows, width, inner;
  int experts, top_k;
  DataType type = DataType::f32;
  bool renormalise = false;
  float scale = 1;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.rows << " rows of " << c.width << ", " << c.top_k << " of " << c.experts << " experts of " << c.inner
             << ", " << name_of(c.type) << (c.renormalise ? ", renormalised" : "") << ", scale " << c.scale;
}

struct Experts {
  Experts(const Case& c, Random& random) : router(random, DataType::f32, c.experts, c.width) {
    for (int e = 0; e < c.experts; ++e) {
      gates.emplace_back(random, c.type, c.inner, c.width);
      ups.emplace_back(random, c.type, c.inner, c.width);
      downs.emplace_back(random, c.type, c.width, c.inner);
    }
    stack();
  }

  void stack() {
    std::vector<Expert> all;
    for (size_t e = 0; e < gates.size(); ++e) all.push_back({gates[e].matrix, ups[e].matrix, downs[e].matrix});
    weights = bank_of(cpu_device(), all);
  }

  // The experts of one row by falling score, of equal ones the lower index first.
  std::vector<std::pair<int64_t, double>> choose(const Case& c, const float* x) const {
    std::vector<double> scores;
    for (int64_t e = 0; e < c.experts; ++e) scores.push_back(router.times(e, x));
    testing::softmax(scores);
    std::vector<std::pair<int64_t, double>> chosen;
    for (int64_t e = 0; e < c.experts; ++e) chosen.emplace_back(e, scores[static_cast<size_t>(e)]);
    std::stable_sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    chosen.resize(static_cast<size_t>(c.top_k));
    double total = 0;
    for (const auto& [e, score] : chosen) total += score;
    for (auto& [e, score] : chosen) score *= static_cast<double>(c.scale) / (c.renormalise ? total : 1.0);
    return chosen;
  }

  void add(int64_t expert, double score, const float* x, double* out) const {
    const auto e = static_cast<size_t>(expert);
    std::vector<float> hidden;
    for (int64_t i = 0; i < gates[e].matrix.out(); ++i)
      hidden.push_back(
          static_cast<float>(testing::activated(Activation::silu, gates[e].times(i, x)) * ups[e].times(i, x)));
    for (int64_t i = 0; i < downs[e].matrix.out(); ++i) out[i] += score * downs[e].times(i, hidden.data());
  }

  RandomWeight router;
  std::vector<RandomWeight> gates, ups, downs;
  ExpertBank weights;
};

void check(const Case& c, const Experts& experts, const std::vector<float>& in, Random& random) {
  const std::vector<float> before = random.values(c.rows * c.width);  // what the experts are added to
  std::vector<double> expected(before.begin(), before.end());
  for (int64_t row = 0; row < c.rows; ++row) {
    const float* x = in.data() + row * c.width;
    for (const auto& [e, score] : experts.choose(c, x)) experts.add(e, score, x, expected.data() + row * c.width);
  }
  for_each_target([&] {
    std::vector<float> out = before;
    cpu::experts(cpu_device(), {.in = view_of(in, {c.rows, c.width}),
                                .router = experts.router.matrix,
                                .experts = experts.weights,
                                .top_k = c.top_k,
                                .renormalise = c.renormalise,
                                .scale = c.scale,
                                .out = view_of(out, {c.rows, c.width}),
                                .written = c.rows / 2});
    EXPECT_LT(relative_error(out, expected), 2e-5) << c;
  });
}

void check(const Case& c, Random& random) {
  const Experts experts(c, random);
  check(c, experts, random.values(c.rows * c.width), random);
}

TEST(Experts, FewRows) {
  Random random(1);
  for (const DataType type : {DataType::f32, DataType::bf16, DataType::f16}) {
    for (int64_t rows = 1; rows <= 9; rows += 2) check({rows, 21, 13, 5, 2, type}, random);
    check({4, 64, 32, 8, 8, type}, random);
  }
}

TEST(Experts, ManyRows) {
  Random random(2);
  check({15, 20, 9, 1, 1}, random);
  check({16, 20, 9, 1, 1}, random);
  check({17, 20, 9, 1, 1}, random);
  for (const DataType type : {DataType::f32, DataType::bf16, DataType::f16}) check({60, 33, 17, 5, 3, type}, random);
  check({100, 40, 10, 30, 2}, random);  // experts that no row chose among others with many
}

TEST(Experts, RenormaliseAndScale) {
  Random random(3);
  for (const int64_t rows : {2, 70}) {
    check({rows, 24, 16, 6, 3, DataType::f32, true, 1}, random);
    check({rows, 24, 16, 6, 3, DataType::f32, false, 2.5f}, random);
    check({rows, 24, 16, 6, 3, DataType::f32, true, 0.5f}, random);
  }
}

// A router of zeros but for one expert: that one, then the others in their order.
TEST(Experts, OfEqualScoresTheLowerIndexWins) {
  Random random(4);
  for (const int64_t rows : {1, 3, 50}) {
    const Case c{rows, 16, 8, 7, 3};
    Experts experts(c, random);
    std::fill(experts.router.values.begin(), experts.router.values.end(), 0.0f);
    std::fill_n(experts.router.values.begin() + 4 * c.width, c.width, 0.25f);
    std::memcpy(experts.router.bytes.data(), experts.router.values.data(), experts.router.bytes.size());
    experts.router.matrix =
        cpu_device().make_weight({experts.router.bytes.data(), DataType::f32, {c.experts, c.width}}, WeightFormat::f32);
    const std::vector<float> in(static_cast<size_t>(rows * c.width), 1.0f);
    const auto chosen = experts.choose(c, in.data());
    ASSERT_EQ(chosen[0].first, 4);
    ASSERT_EQ(chosen[1].first, 0);
    ASSERT_EQ(chosen[2].first, 1);
    check(c, experts, in, random);
  }
}

// What is no number in an expert that no row chose stays there: ports that computed all of them were seven times
// slower.
TEST(Experts, NoneIsComputedThatNoRowChose) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  Random random(9);
  for (const int64_t rows : {1, 3, 50}) {
    const Case c{rows, 16, 8, 12, 3};
    Experts experts(c, random);
    const std::vector<float> row = random.values(c.width);
    std::vector<float> in;
    for (int64_t i = 0; i < rows; ++i) in.insert(in.end(), row.begin(), row.end());
    const auto chosen = experts.choose(c, row.data());
    for (int64_t e = 0; e < c.experts; ++e) {
      if (std::ranges::any_of(chosen, [&](const auto& one) { return one.first == e; })) continue;
      const auto i = static_cast<size_t>(e);
      for (RandomWeight* weight : {&experts.gates[i], &experts.ups[i], &experts.downs[i]}) {
        std::ranges::fill(weight->values, nan);
        std::memcpy(weight->bytes.data(), weight->values.data(), weight->bytes.size());
        weight->matrix = cpu_device().make_weight(
            {weight->bytes.data(), DataType::f32, {weight->matrix.out(), weight->matrix.in()}}, WeightFormat::f32);
      }
    }
    experts.stack();
    check(c, experts, in, random);
  }
}

TEST(Experts, RandomShapes) {
  Random random(5);
  for (int round = 0; round < 25; ++round) {
    const int experts = static_cast<int>(random.between(1, 12));
    check({random.between(1, 50), random.between(1, 50), random.between(1, 30), experts,
           static_cast<int>(random.between(1, experts)), random.coin() ? DataType::bf16 : DataType::f32, random.coin()},
          random);
  }
}

// What a row gets depends on neither the others, nor the number of threads.
void expect_rows_independent(Random& random, const Weight& router, const ExpertBank& weights) {
  constexpr int64_t pool = 40;
  const int64_t width = router.in();
  const std::vector<float> in = random.values(pool * width);
  const auto run = [&](const std::vector<int64_t>& rows, int64_t written) {
    const auto count = static_cast<int64_t>(rows.size());
    std::vector<float> x;
    for (const int64_t row : rows) {
      const auto of_row = testing::row_of(in, row, width);
      x.insert(x.end(), of_row.begin(), of_row.end());
    }
    std::vector<float> out(x.size(), 0.5f);
    cpu::experts(cpu_device(), {.in = view_of(x, {count, width}),
                                .router = router,
                                .experts = weights,
                                .top_k = 3,
                                .out = view_of(out, {count, width}),
                                .written = written});
    return out;
  };
  std::vector<std::vector<float>> as_written, as_prompt;
  for (int64_t row = 0; row < pool; ++row) {
    as_written.push_back(run({row}, 1));
    as_prompt.push_back(run({row}, 0));
  }
  for (int round = 0; round < 5; ++round) {
    const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
    std::vector<int64_t> rows(static_cast<size_t>(random.between(1, pool)));
    for (int64_t& row : rows) row = random.between(0, pool - 1);
    const auto count = static_cast<int64_t>(rows.size());
    const int64_t written = random.coin() ? random.between(0, count) : random.between(0, 1) * count;
    const std::vector<float> got = run(rows, written);
    int64_t different = 0;
    for (int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<size_t>(rows[static_cast<size_t>(i)]);
      different += testing::different_bits(testing::row_of(got, i, width), (i < written ? as_written : as_prompt)[row]);
    }
    EXPECT_EQ(different, 0) << count << " rows, " << written << " written";
  }
}

TEST(Experts, RowsAreTheSameAloneAndInCompany) {
  Random random(6);
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    for (const auto& [width, inner] : {std::pair<int64_t, int64_t>{64, 32}, {77, 45}}) {
      const RandomWeight router(random, DataType::f32, 7, width);
      std::vector<std::vector<float>> values;
      std::vector<Expert> weights;
      const auto matrix = [&](int64_t out, int64_t columns) {
        values.push_back(random.values(out * columns));
        return cpu_device().make_weight(view_of(values.back(), {out, columns}), format);
      };
      weights.reserve(7);
      for (int e = 0; e < 7; ++e) weights.push_back({matrix(inner, width), matrix(inner, width), matrix(width, inner)});
      const ExpertBank bank = bank_of(cpu_device(), weights);
      for_each_target([&] { expect_rows_independent(random, router.matrix, bank); });
    }
  }
}

// Bit for bit what it is made of elsewhere, with experts and without, with a shared one and without.
TEST(MixtureOfExperts, IsItsParts) {
  Random random(7);
  const auto parts = make_cpu_device(parse_operators("mixture_of_experts"));
  ASSERT_NE(parts->operators().lowering(Operator::mixture_of_experts, DataType::f32), nullptr);
  constexpr int64_t width = 70;
  const RandomWeight router(random, DataType::f32, 5, width);
  const std::vector<float> norm = random.values(width);
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    std::vector<std::vector<float>> values;
    const auto expert = [&](int64_t inner) -> Expert {
      const auto matrix = [&](int64_t out, int64_t in) {
        values.push_back(random.values(out * in));
        return cpu_device().make_weight(view_of(values.back(), {out, in}), format);
      };
      return {matrix(inner, width), matrix(inner, width), matrix(width, inner)};
    };
    std::vector<Expert> all;
    all.reserve(5);
    for (int e = 0; e < 5; ++e) all.push_back(expert(33));
    const ExpertBank experts = bank_of(cpu_device(), all);
    const ExpertBank shared = bank_of(cpu_device(), {expert(50)});
    const ExpertBank none;
    for (const int64_t rows : {1, 6, 45}) {
      const std::vector<float> before = random.values(rows * width);
      for_each_target([&] {
        for (const auto& [routed, for_all] :
             {std::pair(&experts, &shared), {&experts, &none}, {&none, &shared}, {&none, &none}}) {
          const auto run = [&, routed = routed, for_all = for_all](Device& device) {
            std::vector<float> x = before;
            device.mixture_of_experts({.x = view_of(x, {rows, width}),
                                       .norm = view_of(norm, {width}),
                                       .router = router.matrix,
                                       .experts = *routed,
                                       .top_k = 2,
                                       .scale = 0.5f,
                                       .shared = *for_all,
                                       .written = rows / 3});
            return x;
          };
          EXPECT_EQ(testing::different_bits(run(cpu_device()), run(*parts)), 0)
              << "format " << static_cast<int>(format) << ", " << rows << " rows, " << routed->count() << " experts";
        }
      });
    }
  }
}

}  // namespace
}  // namespace lectern
