// Attention, rotary positions and the chain of experts against plain loops, and their refusals.
#include <random>

#include "aclnnop/aclnn_apply_rotary_pos_emb.h"
#include "aclnnop/aclnn_cast.h"
#include "aclnnop/aclnn_convolution.h"
#include "aclnnop/aclnn_flash_attention_score.h"
#include "aclnnop/aclnn_fused_infer_attention_score_v2.h"
#include "aclnnop/aclnn_grouped_matmul_v4.h"
#include "aclnnop/aclnn_im2col.h"
#include "aclnnop/aclnn_moe_finalize_routing_v2.h"
#include "aclnnop/aclnn_moe_gating_top_k_softmax.h"
#include "aclnnop/aclnn_moe_init_routing_v2.h"
#include "aclnnop/aclnn_moe_token_unpermute.h"
#include "aclnnop/aclnn_prompt_flash_attention_v3.h"
#include "fake_cann/support.h"

extern "C" aclnnStatus aclnnRotaryPositionEmbeddingGetWorkspaceSize(const aclTensor* x, const aclTensor* cos,
                                                                    const aclTensor* sin, int64_t mode, aclTensor* out,
                                                                    uint64_t* workspaceSize, aclOpExecutor** executor);
extern "C" aclnnStatus aclnnRotaryPositionEmbedding(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                                    aclrtStream stream);

namespace fake_cann::testing {
namespace {

using Values = std::vector<double>;
constexpr int64_t unlimited = 2147483647;
aclTensor* const none = nullptr;
aclTensorList* const no_list = nullptr;
aclIntArray* const no_ints = nullptr;

class FakeCannFused : public Machine {
 protected:
  // Numbers that f16 holds exactly.
  Values random(int64_t count) {
    Values values(static_cast<size_t>(count));
    for (double& value : values) value = static_cast<double>(static_cast<int>(engine_() % 257) - 128) / 64;
    return values;
  }
  std::mt19937 engine_{7};
};

void expect_near(const Values& found, const Values& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], tolerance) << "at " << i;
}

// One head: q [queries, size], k and v [keys, size]; score(i, j, q k) or an empty optional where j is excluded.
template <typename Score>
Values attention(const Values& q, const Values& k, const Values& v, int64_t size, const Score& score) {
  const auto queries = static_cast<int64_t>(q.size()) / size, keys = static_cast<int64_t>(k.size()) / size;
  Values out(q.size(), 0.0);
  for (int64_t i = 0; i < queries; ++i) {
    Values weights(static_cast<size_t>(keys), 0.0);
    double sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      double product = 0;
      for (int64_t d = 0; d < size; ++d)
        product += q[static_cast<size_t>(i * size + d)] * k[static_cast<size_t>(j * size + d)];
      const double exponent = score(i, j, product);
      weights[static_cast<size_t>(j)] = std::exp(exponent);
      sum += weights[static_cast<size_t>(j)];
    }
    for (int64_t j = 0; j < keys; ++j) {
      for (int64_t d = 0; d < size; ++d) {
        out[static_cast<size_t>(i * size + d)] +=
            weights[static_cast<size_t>(j)] / sum * v[static_cast<size_t>(j * size + d)];
      }
    }
  }
  return out;
}

Values part(const Values& values, int64_t start, int64_t count) {
  return {values.begin() + start, values.begin() + start + count};
}

// FusedInferAttentionScoreV2 with what this model uses.
struct Fused {
  aclTensor* query;
  aclTensorList *key, *value;
  aclTensor* shift = nullptr;
  aclTensor* mask = nullptr;
  aclIntArray *lengths = nullptr, *key_lengths = nullptr;
  aclTensor* table = nullptr;
  int64_t heads = 1;
  double scale = 1;
  std::string layout = "BNSD";
  int64_t sparse_mode = 0, inner_precise = 0, block_size = 0;
  aclTensor* out = nullptr;

  template <typename Call>
  int with(const Call& call) {
    return call(query, key, value, shift, mask, lengths, key_lengths, none, none, none, none, none, none, none, table,
                none, none, none, none, none, none, none, none, no_ints, heads, scale, unlimited, unlimited,
                layout.data(), int64_t{0}, sparse_mode, inner_precise, block_size, int64_t{0}, false, int64_t{0},
                int64_t{0}, out, none);
  }
  int run() {
    return with([](auto... arguments) {
      return testing::run(aclnnFusedInferAttentionScoreV2GetWorkspaceSize, aclnnFusedInferAttentionScoreV2,
                          arguments...);
    });
  }
  int prepare() {
    return with([](auto... arguments) {
      return testing::prepare(aclnnFusedInferAttentionScoreV2GetWorkspaceSize, arguments...);
    });
  }
};

Values causal_mask() {
  Values mask(2048 * 2048);
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = i % 2048 > i / 2048 ? 1 : 0;
  return mask;
}

TEST_F(FakeCannFused, PagedAttentionOfAPrompt) {
  // 3 queries at the end of 130 places, in two blocks of 128 which lie the wrong way round.
  const int64_t size = 16, heads = 2, keys = 130, queries = 3;
  const Values q = random(heads * queries * size), k = random(256 * heads * size), v = random(256 * heads * size);
  Array key(ACL_FLOAT16, {3, 128, heads * size}), value(ACL_FLOAT16, {3, 128, heads * size});
  Values stored(3 * 128 * heads * size, NAN), stored_values = stored;
  for (int64_t place = 0; place < keys; ++place) {
    const int64_t row = (place < 128 ? 2 : 1) * 128 + place % 128;
    for (int64_t i = 0; i < heads * size; ++i) {
      stored[static_cast<size_t>(row * heads * size + i)] = k[static_cast<size_t>(place * heads * size + i)];
      stored_values[static_cast<size_t>(row * heads * size + i)] = v[static_cast<size_t>(place * heads * size + i)];
    }
  }
  key.write(stored);
  value.write(stored_values);
  const Array query(ACL_FLOAT16, {1, heads, queries, size}, q), out(ACL_FLOAT16, {1, heads, queries, size});
  const Array table(ACL_INT32, {1, 2}, {2, 1}), mask(ACL_BOOL, {2048, 2048}, causal_mask());
  const List keys_list({key.member({3, 128, heads * size})}), values_list({value.member({3, 128, heads * size})});
  const Ints lengths{keys};
  Fused call{query, keys_list, values_list};
  call.mask = mask, call.key_lengths = lengths, call.table = table, call.heads = heads, call.scale = 0.25;
  call.sparse_mode = 3, call.block_size = 128, call.out = out;
  ASSERT_EQ(call.run(), 0);
  Values expected;
  for (int64_t h = 0; h < heads; ++h) {
    Values own_keys, own_values;
    for (int64_t place = 0; place < keys; ++place) {
      for (int64_t d = 0; d < size; ++d) {
        own_keys.push_back(k[static_cast<size_t>(place * heads * size + h * size + d)]);
        own_values.push_back(v[static_cast<size_t>(place * heads * size + h * size + d)]);
      }
    }
    const Values one =
        attention(part(q, h * queries * size, queries * size), own_keys, own_values, size,
                  [&](int64_t i, int64_t j, double p) { return j > i + keys - queries ? -INFINITY : p / 4; });
    expected.insert(expected.end(), one.begin(), one.end());
  }
  expect_near(out.values(), expected, 3e-3);

  call.block_size = 64;
  EXPECT_EQ(call.prepare(), 161002) << "128 for prompts";
  call.block_size = 128, call.key_lengths = nullptr;
  EXPECT_EQ(call.prepare(), 161002) << "lengths go with pages";
  call.key_lengths = lengths, call.mask = nullptr;
  EXPECT_EQ(call.prepare(), 161002) << "sparseMode 3 needs its mask";
  const Array whole(ACL_BOOL, {3, 130});
  call.mask = whole;
  EXPECT_EQ(call.prepare(), 161002);
  const Array exact(ACL_FLOAT, {1, heads, queries, size}, q);
  call.mask = mask, call.query = exact;
  EXPECT_EQ(call.prepare(), 161002) << "f32 is not offered";
  EXPECT_STREQ(fake_cann_violations(), "");
  call.query = query;
  table.write({2, 3});
  EXPECT_EQ(call.run(), 507015);
  expect_violation("blockTable: index 3");
}

TEST_F(FakeCannFused, PagedAttentionOfSingleQueriesNeedsNoMask) {
  const int64_t size = 16;
  const Values q = random(2 * size), k = random(2 * 128 * size), v = random(2 * 128 * size);
  Array key(ACL_BF16, {2, 1, 128, size}, k), value(ACL_BF16, {2, 1, 128, size}, v);
  const Array query(ACL_BF16, {2, 1, 1, size}, q), out(ACL_BF16, {2, 1, 1, size}), table(ACL_INT32, {2, 1}, {1, 0});
  const List keys({key.member({2, 1, 128, size})}), values({value.member({2, 1, 128, size})});
  const Ints lengths{5, 0};
  Fused call{query, keys, values};
  call.key_lengths = lengths, call.table = table, call.block_size = 128, call.out = out, call.scale = 0.5;
  ASSERT_EQ(call.run(), 0);
  Values expected = attention(part(q, 0, size), part(k, 128 * size, 5 * size), part(v, 128 * size, 5 * size), size,
                              [](int64_t, int64_t, double p) { return p / 2; });
  expected.resize(2 * size, 0.0);  // nothing to attend to: zeros
  expect_near(out.values(), expected, 2e-2);
  const Array mask(ACL_BOOL, {2, 1, 1, 128}, Values(256, 0));
  call.mask = mask;
  EXPECT_EQ(call.prepare(), 161002);
}

TEST_F(FakeCannFused, ABiasIsAddedAfterTheScaleInInferenceAndBeforeItInTraining) {
  const int64_t size = 16, queries = 4;
  const Values q = random(queries * size), k = random(queries * size), v = random(queries * size),
               bias = random(queries * queries);
  const Array query(ACL_FLOAT16, {1, 1, queries, size}, q), key(ACL_FLOAT16, {1, 1, queries, size}, k);
  const Array value(ACL_FLOAT16, {1, 1, queries, size}, v), out(ACL_FLOAT16, {1, 1, queries, size});
  const Array shift(ACL_FLOAT16, {1, 1, queries, queries}, bias), flat(ACL_FLOAT16, {queries, queries});
  char layout[] = "BNSD";
  const auto prompt = [&](const aclTensor* pse) {
    return run(aclnnPromptFlashAttentionV3GetWorkspaceSize, aclnnPromptFlashAttentionV3, query, key, value, pse, none,
               no_ints, no_ints, none, none, none, none, none, int64_t{1}, 0.25, unlimited, unlimited, layout,
               int64_t{0}, int64_t{0}, int64_t{0}, out);
  };
  EXPECT_EQ(prompt(flat), 161002) << "in full rank";
  ASSERT_EQ(prompt(shift), 0);
  const auto at = [&](int64_t i, int64_t j) { return bias[static_cast<size_t>(i * queries + j)]; };
  expect_near(out.values(), attention(q, k, v, size, [&](int64_t i, int64_t j, double p) { return p / 4 + at(i, j); }),
              3e-3);

  const Array exact_query(ACL_FLOAT, {1, 1, queries, size}, q), exact_key(ACL_FLOAT, {1, 1, queries, size}, k);
  const Array exact_value(ACL_FLOAT, {1, 1, queries, size}, v), exact_shift(ACL_FLOAT, {1, 1, queries, queries}, bias);
  const Array exact(ACL_FLOAT, {1, 1, queries, size}), maxima(ACL_FLOAT, {1, 1, queries, 8}),
      sums(ACL_FLOAT, {1, 1, queries, 8});
  ASSERT_EQ(run(aclnnFlashAttentionScoreGetWorkspaceSize, aclnnFlashAttentionScore, exact_query, exact_key, exact_value,
                exact_shift, none, none, none, no_ints, 0.25, 1.0, unlimited, unlimited, int64_t{1}, layout, int64_t{0},
                int64_t{0}, maxima, sums, none, exact),
            0);
  expect_near(exact.values(),
              attention(q, k, v, size, [&](int64_t i, int64_t j, double p) { return (p + at(i, j)) / 4; }), 1e-5);
  ASSERT_EQ(run(aclnnFlashAttentionScoreV2GetWorkspaceSize, aclnnFlashAttentionScoreV2, exact_query, exact_key,
                exact_value, exact_shift, none, none, none, no_ints, no_ints, no_ints, 0.25, 1.0, unlimited, unlimited,
                int64_t{1}, layout, int64_t{0}, int64_t{0}, int64_t{0}, maxima, sums, none, exact),
            0);
  expect_near(exact.values(),
              attention(q, k, v, size, [&](int64_t i, int64_t j, double p) { return p / 4 + at(i, j); }), 1e-5);
}

TEST_F(FakeCannFused, RotationsTurnHalvesOfAHead) {
  const int64_t size = 64;
  Values q = random(2 * 3 * size), k = random(2 * size), cosines, sines;
  for (int64_t token = 0; token < 2; ++token) {
    for (int64_t d = 0; d < size; ++d) {
      const double angle =
          static_cast<double>(token + 3) * std::pow(10000.0, -2.0 * static_cast<double>(d % 32) / 64.0);
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
  }
  const Array query(ACL_FLOAT, {1, 2, 3, size}, q), key(ACL_FLOAT, {1, 2, 1, size}, k), out(ACL_FLOAT, {1, 2, 3, size});
  const Array cosine(ACL_FLOAT, {1, 2, 1, size}, cosines), sine(ACL_FLOAT, {1, 2, 1, size}, sines);
  Values expected = q;
  for (int64_t i = 0; i < 2 * 3 * size; ++i) {
    const int64_t d = i % size, other = d < 32 ? i + 32 : i - 32, angle = i / (3 * size) * size + d;
    expected[static_cast<size_t>(i)] =
        q[static_cast<size_t>(i)] * cosines[static_cast<size_t>(angle)] +
        (d < 32 ? -1 : 1) * q[static_cast<size_t>(other)] * sines[static_cast<size_t>(angle)];
  }
  ASSERT_EQ(run(aclnnRotaryPositionEmbeddingGetWorkspaceSize, aclnnRotaryPositionEmbedding, query, cosine, sine,
                int64_t{0}, out),
            0);
  expect_near(out.values(), expected, 1e-5);
  EXPECT_EQ(prepare(aclnnApplyRotaryPosEmbGetWorkspaceSize, query, key, cosine, sine, int64_t{1}), 561002)
      << "heads of 128 alone, up to 8.3";
  fake_cann_set_version("8.5.0");
  ASSERT_EQ(run(aclnnApplyRotaryPosEmbGetWorkspaceSize, aclnnApplyRotaryPosEmb, query, key, cosine, sine, int64_t{1}),
            0);
  expect_near(query.values(), expected, 1e-5);
  EXPECT_EQ(prepare(aclnnApplyRotaryPosEmbGetWorkspaceSize, query, key, cosine, sine, int64_t{3}), 161002);
  const Array narrow(ACL_FLOAT, {1, 2, 1, 32});
  EXPECT_EQ(prepare(aclnnApplyRotaryPosEmbGetWorkspaceSize, query, narrow, cosine, sine, int64_t{1}), 561002);
  fake_cann_set_soc("Ascend310P3");
  EXPECT_EQ(prepare(aclnnRotaryPositionEmbeddingGetWorkspaceSize, query, cosine, sine, int64_t{0}, out), 161002);
}

TEST_F(FakeCannFused, TheChainOfExpertsIsTheSumOverChoices) {
  const int64_t tokens = 5, experts = 4, k = 2, width = 3;
  const Values x = random(tokens * width), logits = random(tokens * experts), weights = random(experts * width * width);
  const Array in(ACL_FLOAT16, {tokens, width}, x), gate(ACL_FLOAT, {tokens, experts}, logits);
  const Array scores(ACL_FLOAT, {tokens, k}), chosen(ACL_INT32, {tokens, k}), columns(ACL_INT32, {tokens, k});
  ASSERT_EQ(
      run(aclnnMoeGatingTopKSoftmaxGetWorkspaceSize, aclnnMoeGatingTopKSoftmax, gate, none, k, scores, chosen, columns),
      0);
  Array expanded(ACL_FLOAT16, {tokens * k, width});
  const Array rows(ACL_INT32, {tokens * k}), counts(ACL_INT32, {experts}), wide(ACL_INT64, {experts});
  ASSERT_EQ(run(aclnnMoeInitRoutingV2GetWorkspaceSize, aclnnMoeInitRoutingV2, in, chosen, int64_t{0}, int64_t{0},
                experts, int64_t{0}, int64_t{2}, false, expanded, rows, counts, none),
            0);
  ASSERT_EQ(run(aclnnCastGetWorkspaceSize, aclnnCast, counts, ACL_INT64, wide), 0);
  // The weights as [experts, out, in], seen as [experts, in, out].
  Array matrices(ACL_FLOAT16, {experts, width, width}, weights), products(ACL_FLOAT16, {tokens * k, width});
  const Array out(ACL_FLOAT16, {tokens, width});
  const List x_list({expanded.member({tokens * k, width})}), out_list({products.member({tokens * k, width})});
  const List weight_list({matrices.member({experts, width, width}, {width * width, 1, width})});
  const auto grouped = [&](const aclTensor* groups, int64_t act) {
    return run(aclnnGroupedMatmulV4GetWorkspaceSize, aclnnGroupedMatmulV4, x_list, weight_list, no_list, no_list,
               no_list, no_list, no_list, no_list, groups, no_list, no_list, no_list, int64_t{3}, int64_t{0},
               int64_t{1}, act, out_list, no_list, no_list);
  };
  EXPECT_EQ(grouped(counts, 0), 161002) << "the counts are int64";
  EXPECT_EQ(grouped(wide, 5), 161002) << "no activation in f16";
  ASSERT_EQ(grouped(wide, 0), 0);
  ASSERT_EQ(
      run(aclnnMoeTokenUnpermuteGetWorkspaceSize, aclnnMoeTokenUnpermute, products, rows, scores, false, no_ints, out),
      0);
  const Values found_scores = scores.values(), found_experts = chosen.values();
  Values expected(static_cast<size_t>(tokens * width), 0.0);
  for (int64_t t = 0; t < tokens; ++t) {
    double total = 0, largest = -INFINITY;
    for (int64_t e = 0; e < experts; ++e) {
      total += std::exp(logits[static_cast<size_t>(t * experts + e)]);
      largest = std::max(largest, logits[static_cast<size_t>(t * experts + e)]);
    }
    EXPECT_NEAR(found_scores[static_cast<size_t>(t * k)], std::exp(largest) / total, 1e-6);
    for (int64_t j = 0; j < k; ++j) {
      const auto expert = static_cast<int64_t>(found_experts[static_cast<size_t>(t * k + j)]);
      EXPECT_NEAR(found_scores[static_cast<size_t>(t * k + j)],
                  std::exp(logits[static_cast<size_t>(t * experts + expert)]) / total, 1e-6);
      for (int64_t o = 0; o < width; ++o) {
        double sum = 0;
        for (int64_t i = 0; i < width; ++i) {
          sum += x[static_cast<size_t>(t * width + i)] * weights[static_cast<size_t>((expert * width + o) * width + i)];
        }
        expected[static_cast<size_t>(t * width + o)] += found_scores[static_cast<size_t>(t * k + j)] * sum;
      }
    }
  }
  expect_near(out.values(), expected, 2e-2);
  const Array shared(ACL_FLOAT16, {tokens, width}, x), half_scores(ACL_FLOAT16, {tokens, k}, found_scores);
  ASSERT_EQ(run(aclnnMoeFinalizeRoutingV2GetWorkspaceSize, aclnnMoeFinalizeRoutingV2, products, rows, shared, none,
                none, half_scores, none, int64_t{2}, out),
            0);
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += x[i];
  expect_near(out.values(), expected, 2e-2);
  EXPECT_EQ(prepare(aclnnMoeFinalizeRoutingV2GetWorkspaceSize, products, rows, shared, none, none, scores, none,
                    int64_t{2}, out),
            161002)
      << "f16 with f32 scales is not offered";
  EXPECT_STREQ(fake_cann_violations(), "");
  wide.write({1, 1, 1, 1});
  EXPECT_EQ(grouped(wide, 0), 507015);
  expect_violation("adds up to 4 rows of 10");
}

TEST_F(FakeCannFused, ConvolutionsAreProductsOfUnfoldedRows) {
  const Values x = random(2 * 5 * 4), w = random(3 * 2 * 3 * 3);
  const Array in(ACL_FLOAT16, {1, 2, 5, 4}, x, ACL_FORMAT_NCHW), kernel(ACL_FLOAT16, {3, 2, 3, 3}, w, ACL_FORMAT_NCHW);
  const Array bias(ACL_FLOAT16, {3}, {1, 2, 3}), out(ACL_FLOAT16, {1, 3, 3, 2}, {}, ACL_FORMAT_NCHW),
      lines(ACL_FLOAT16, {1, 18, 6});
  const Ints two{2, 2}, one{1, 1}, three{3, 3}, zero{0, 0}, single{1};
  ASSERT_EQ(run(aclnnConvolutionGetWorkspaceSize, aclnnConvolution, in, kernel, bias, two, one, one, false, zero,
                int64_t{1}, out, int8_t{0}),
            0);
  ASSERT_EQ(run(aclnnIm2colGetWorkspaceSize, aclnnIm2col, in, three, one, one, two, lines), 0);
  const Values unfolded = lines.values();
  Values expected;
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t place = 0; place < 6; ++place) {
      double sum = static_cast<double>(channel) + 1;
      for (size_t i = 0; i < 18; ++i) sum += w[channel * 18 + i] * unfolded[i * 6 + place];
      expected.push_back(sum);
    }
  }
  expect_near(out.values(), expected, 2e-2);
  EXPECT_EQ(unfolded[0], 0) << "padding";
  EXPECT_EQ(unfolded[4 * 6], x[0]) << "the middle of the first window";
  const Array plain(ACL_FLOAT16, {1, 2, 5, 4}, x);
  EXPECT_EQ(prepare(aclnnConvolutionGetWorkspaceSize, plain, kernel, bias, two, one, one, false, zero, int64_t{1}, out,
                    int8_t{0}),
            161002)
      << "NCHW it is";
  EXPECT_EQ(prepare(aclnnIm2colGetWorkspaceSize, in, three, one, single, two, lines), 161002);
}

}  // namespace
}  // namespace fake_cann::testing
