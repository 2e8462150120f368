#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "device/host_values.h"
#include "support/bits.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::relative_error;
using testing::view_of;

struct Case {
  int64_t batch, height, width;
  int heads;
  int64_t head_size;
  int window = 0;
  bool relative = false;
  float magnitude = 1;  // of queries and keys
  double tolerance = 1e-5;
  int kv_heads = 0;
  bool causal = false;
  int64_t prefix = 0;

  int key_heads() const { return kv_heads > 0 ? kv_heads : heads; }
  int64_t channels() const { return heads * head_size; }
  int64_t place() const { return (heads + 2 * key_heads()) * head_size; }
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "[" << c.batch << ", " << c.height << ", " << c.width << "] heads " << c.heads << " of " << c.head_size
             << " window " << c.window << (c.relative ? " relative" : "");
}

struct Inputs {
  Inputs(const Case& c, Random& random)
      : rows(c.window > 0 ? c.window : c.height),
        columns(c.window > 0 ? c.window : c.width),
        channels(c.channels()),
        place(c.place()),
        qkv(random.values(c.batch * c.height * c.width * place, c.magnitude)),
        padding(random.values(c.window > 0 ? place : 0, c.magnitude)),
        vertical(random.values(c.relative ? (2 * rows - 1) * c.head_size : 0)),
        horizontal(random.values(c.relative ? (2 * columns - 1) * c.head_size : 0)) {}

  int64_t rows, columns;    // of what attends to itself
  int64_t channels, place;  // of a place's queries, and of all
  std::vector<float> qkv, padding, vertical, horizontal;
};

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// operators.h, AttentionArgs, place by place.
std::vector<double> expected_of(const Case& c, const Inputs& in, float scale) {
  const int64_t size = c.head_size;
  std::vector<double> out(static_cast<size_t>(c.batch * c.height * c.width * in.channels));
  for (int64_t place = 0; place < c.batch * c.height * c.width; ++place) {
    const int64_t view = place / (c.height * c.width);
    const int64_t y = place / c.width % c.height;
    const int64_t x = place % c.width;
    const int64_t top = y / in.rows * in.rows;
    const int64_t left = x / in.columns * in.columns;
    for (int64_t head = 0; head < c.heads; ++head) {
      const float* q = in.qkv.data() + place * in.place + head * size;
      const int64_t kv_head = head / (c.heads / c.key_heads());
      std::vector<double> scores;
      std::vector<const float*> values;
      for (int64_t k = 0; k < in.rows; ++k) {
        for (int64_t l = 0; l < in.columns; ++l) {
          const bool inside = top + k < c.height && left + l < c.width;
          const float* key = inside ? in.qkv.data() + ((view * c.height + top + k) * c.width + left + l) * in.place
                                    : in.padding.data();
          double score = dot(q, key + in.channels + kv_head * size, size) * static_cast<double>(scale);
          if (c.relative) {
            score += dot(q, in.vertical.data() + (y - top - k + in.rows - 1) * size, size);
            score += dot(q, in.horizontal.data() + (x - left - l + in.columns - 1) * size, size);
          }
          if (c.causal && k * c.width + l >= std::max(c.prefix, y * c.width + x + 1)) continue;
          scores.push_back(score);
          values.push_back(key + in.channels + (c.key_heads() + kv_head) * size);
        }
      }
      testing::softmax(scores);
      for (int64_t i = 0; i < size; ++i) {
        double sum = 0;
        for (size_t j = 0; j < scores.size(); ++j) sum += scores[j] * static_cast<double>(values[j][i]);
        out[static_cast<size_t>(place * in.channels + head * size + i)] = sum;
      }
    }
  }
  return out;
}

void check(const Case& c, Random& random) {
  const Inputs in(c, random);
  const float scale = 1.0f / std::sqrt(static_cast<float>(c.head_size));
  const std::vector<double> expected = expected_of(c, in, scale);
  for_each_target([&] {
    std::vector<float> out(expected.size(), std::nanf(""));
    cpu::attention(cpu_device(), {.qkv = view_of(in.qkv, {c.batch, c.height, c.width, in.place}),
                                  .heads = c.heads,
                                  .scale = scale,
                                  .window = c.window,
                                  .padding = view_of(in.padding, {in.place}),
                                  .relative_height = view_of(in.vertical, {2 * in.rows - 1, c.head_size}),
                                  .relative_width = view_of(in.horizontal, {2 * in.columns - 1, c.head_size}),
                                  .out = view_of(out, {c.batch, c.height, c.width, in.channels}),
                                  .kv_heads = c.kv_heads,
                                  .causal = c.causal,
                                  .prefix = c.prefix});
    EXPECT_LT(relative_error(out, expected), c.tolerance) << c;
  });
}

TEST(EncoderAttention, Plain) {
  Random random(1);
  check({1, 1, 1, 1, 20}, random);
  check({1, 8, 8, 2, 64}, random);
  check({2, 1, 65, 3, 20}, random);
  check({1, 1, 101, 2, 40}, random);
  check({1, 9, 21, 1, 80}, random);
  check({3, 1, 17, 4, 32}, random);
}

TEST(EncoderAttention, QueriesShareKeys) {
  Random random(8);
  check({.batch = 2, .height = 7, .width = 9, .heads = 6, .head_size = 20, .kv_heads = 2}, random);
  check({.batch = 1,
         .height = 12,
         .width = 13,
         .heads = 4,
         .head_size = 32,
         .window = 5,
         .relative = true,
         .kv_heads = 1},
        random);
}

TEST(EncoderAttention, CausalBehindAPrefix) {
  Random random(9);
  for (const int64_t prefix : {0, 1, 64, 100, 130, 200, 500}) {
    check({.batch = 2,
           .height = 1,
           .width = 200,
           .heads = 2,
           .head_size = 20,
           .kv_heads = 1,
           .causal = true,
           .prefix = prefix},
          random);
  }
  check({.batch = 1, .height = 30, .width = 9, .heads = 1, .head_size = 32, .causal = true, .prefix = 140}, random);
  check({.batch = 1, .height = 1, .width = 1, .heads = 1, .head_size = 32, .causal = true}, random);
}

TEST(EncoderAttention, RelativePositions) {
  Random random(2);
  check({1, 1, 1, 1, 32, 0, true}, random);
  check({2, 7, 9, 2, 32, 0, true}, random);
  check({1, 13, 15, 2, 40, 0, true}, random);
  check({1, 20, 20, 1, 64, 0, true}, random);
  check({1, 3, 70, 1, 20, 0, true}, random);
  check({1, 70, 2, 1, 80, 0, true}, random);
}

TEST(EncoderAttention, Windows) {
  Random random(3);
  check({1, 16, 16, 2, 80, 14, true}, random);  // padding on both sides
  check({2, 14, 28, 1, 32, 14, true}, random);  // none
  check({1, 30, 14, 2, 64, 14, true}, random);  // below
  check({1, 14, 17, 1, 40, 14, true}, random);  // on the right
  check({1, 10, 11, 2, 20, 3, false}, random);
  check({1, 9, 9, 1, 32, 8, true}, random);
}

TEST(EncoderAttention, AWindowLargerThanTheView) {
  Random random(4);
  check({1, 4, 4, 2, 20, 14, true}, random);
  check({2, 1, 13, 1, 64, 14, true}, random);
  check({1, 1, 1, 1, 32, 14, false}, random);
}

TEST(EncoderAttention, RandomShapes) {
  Random random(5);
  constexpr std::array<int64_t, 5> sizes = {20, 32, 40, 64, 80};
  for (int round = 0; round < 15; ++round) {
    const int window = random.coin() ? static_cast<int>(random.between(1, 15)) : 0;
    check({random.between(1, 2), random.between(1, 16), random.between(1, 16), static_cast<int>(random.between(1, 3)),
           sizes[random.bits() % sizes.size()], window, random.coin()},
          random);
  }
}

// The running maximum rises from block to block, and most weights underflow.
TEST(EncoderAttention, LargeScores) {
  Random random(6);
  check({1, 15, 15, 2, 64, 0, true, 20, 1e-3}, random);
  check({1, 1, 300, 1, 32, 0, false, 40, 1e-3}, random);
}

// The places of a view get the same whatever views are encoded with it.
TEST(EncoderAttention, ViewsAreTheSameAloneAndInCompany) {
  Random random(7);
  for (const int window : {0, 5, -1}) {
    const bool causal = window < 0;
    const Case c{.batch = 5,
                 .height = 9,
                 .width = 12,
                 .heads = 2,
                 .head_size = 20,
                 .window = std::max(window, 0),
                 .relative = !causal,
                 .kv_heads = causal ? 1 : 2,
                 .causal = causal,
                 .prefix = 50};
    const Inputs in(c, random);
    const int64_t width = in.place;
    const auto run = [&](DataType type, const std::vector<int64_t>& views) {
      const auto count = static_cast<int64_t>(views.size());
      std::vector<float> qkv;
      for (const int64_t view : views) {
        const auto of_view = testing::row_of(in.qkv, view, c.height * c.width * width);
        qkv.insert(qkv.end(), of_view.begin(), of_view.end());
      }
      const Tensor x(cpu_device(), type, {count, c.height, c.width, width});
      const Tensor y(cpu_device(), type, {count, c.height, c.width, in.channels});
      cpu_device().copy({view_of(qkv, x.shape()), x});
      cpu::attention(cpu_device(), {.qkv = x,
                                    .heads = c.heads,
                                    .scale = 0.2f,
                                    .window = c.window,
                                    .padding = view_of(in.padding, {width}),
                                    .relative_height = view_of(in.vertical, {2 * in.rows - 1, c.head_size}),
                                    .relative_width = view_of(in.horizontal, {2 * in.columns - 1, c.head_size}),
                                    .out = y,
                                    .kv_heads = c.kv_heads,
                                    .causal = c.causal,
                                    .prefix = c.prefix});
      return floats_to_host(cpu_device(), y);
    };
    for_each_target([&] {
      for (const DataType type : {DataType::f32, DataType::bf16}) {
        if (type == DataType::bf16 && cpu_device().compute_types(WeightFormat::bf16).encoder != type) continue;
        const int64_t size = c.height * c.width * in.channels;
        std::vector<std::vector<float>> alone;
        for (int64_t view = 0; view < c.batch; ++view) alone.push_back(run(type, {view}));
        for (int round = 0; round < 5; ++round) {
          const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
          std::vector<int64_t> views(static_cast<size_t>(random.between(1, 6)));
          for (int64_t& view : views) view = random.between(0, c.batch - 1);
          const std::vector<float> got = run(type, views);
          for (size_t i = 0; i < views.size(); ++i) {
            EXPECT_EQ(testing::different_bits(testing::row_of(got, static_cast<int64_t>(i), size),
                                              alone[static_cast<size_t>(views[i])]),
                      0)
                << name_of(type) << ", " << views.size() << " views, window " << window;
          }
        }
      }
    });
  }
}

}  // namespace
}  // namespace lectern
