// Several ranks write what one writes: every golden of all models, decoders of odd and of random sizes, all formats,
// packed models and a window.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/quantize.h"
#include "support/mini_model.h"
#include "support/rank_runs.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::DecoderSizes;
using testing::difference;
using testing::expect_same;
using testing::expect_same_bits;
using testing::Golden;
using testing::OddDecoder;
using testing::text_request;
using testing::written_by;
using testing::WrittenText;

class ParallelGoldens : public ::testing::TestWithParam<Golden> {};

// The image's rows are those that the reference wrote down; every token is one of the reference's, since forced tokens
// are told as they would have been chosen.
TEST_P(ParallelGoldens, AreThoseOfOneRank) {
  const Golden& golden = GetParam();
  const json c = golden.read();
  const LoadedModel model(golden.path() + golden.model, cpu_device(), WeightFormat::f32);
  const Safetensors file = Safetensors::open(golden.path() + golden.expected + ".safetensors");
  const TensorView rows = file.tensors().at("image_sequence");
  const auto values = testing::copy_of<float>(rows);
  Request request;
  request.prompt = model.expand_prompt(c["prompt_token_ids"].get<std::vector<int32_t>>(), rows.shape[0]);
  request.image_token = model.image_token;
  request.image = view_of_floats(values, rows.shape);
  request.forced = c["forced_token_ids"].get<std::vector<int32_t>>();
  request.logits = true;
  request.no_repeat.n = 0;
  const int64_t positions = 4096;
  const WrittenText expected = written_by(model.checkpoint, WeightFormat::f32, 1, request, positions);
  ASSERT_EQ(expected.logits.size(), request.forced.size());
  for (const int ranks : {2, 3, 4}) {
    SCOPED_TRACE(ranks);
    expect_same(written_by(model.checkpoint, WeightFormat::f32, ranks, request, positions), expected);
  }
}

// But for that whose picture's rows the reference did not write down.
std::vector<Golden> goldens_with_rows() {
  std::vector<Golden> all = testing::all_goldens();
  std::erase_if(all, [](const Golden& golden) { return golden.expected == "receipt-base-128"; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, ParallelGoldens, ::testing::ValuesIn(goldens_with_rows()),
                         [](const auto& info) { return info.param.name(); });

// 3 heads and 5 experts, which no number of ranks divides but theirs; queries that share keys; experts without a shared
// one, and none at all.
std::vector<DecoderSizes> odd_sizes() {
  DecoderSizes grouped;
  grouped.heads = 6;
  grouped.kv_heads = 2;
  grouped.vocabulary = 97;
  DecoderSizes wide;
  wide.hidden = 160;
  wide.heads = wide.kv_heads = 10;
  wide.experts = 7;
  wide.inner = 640;
  wide.expert_inner = 64;
  wide.shared_inner = 0;
  DecoderSizes dense;
  dense.dense_layers = dense.layers;
  return {{}, grouped, wide, dense};
}

TEST(ParallelModels, WritesWhatOneRankWritesInOddSizes) {
  for (const DecoderSizes& sizes : odd_sizes()) {
    const OddDecoder odd(sizes);
    const Checkpoint checkpoint = odd.open();
    const Request request = text_request(2, sizes.vocabulary, 70, 6);
    const WrittenText expected = written_by(checkpoint, WeightFormat::f32, 1, request);
    for (const int ranks : {2, 5, 8}) {
      SCOPED_TRACE(::testing::Message() << sizes.heads << " heads over " << ranks << " ranks");
      expect_same(written_by(checkpoint, WeightFormat::f32, ranks, request), expected);
    }
  }
}

// Whatever a checkpoint's sizes are: more ranks than heads or experts, widths of one column, experts that are all
// chosen, queries that share one key, words that nothing divides.
TEST(ParallelModels, WritesWhatOneRankWritesInRandomSizes) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    testing::Random random(seed);
    const auto between = [&](int least, int most) { return static_cast<int>(random.between(least, most)); };
    DecoderSizes sizes;
    sizes.kv_heads = between(1, 5);
    sizes.heads = sizes.kv_heads * between(1, 3);
    sizes.hidden = sizes.heads * 2 * between(2, 12);
    sizes.layers = between(1, 3);
    sizes.dense_layers = between(0, sizes.layers);
    sizes.experts = between(1, 9);
    sizes.top_k = between(1, sizes.experts);
    sizes.vocabulary = between(20, 300);
    sizes.inner = between(1, 200);
    sizes.expert_inner = between(1, 80);
    sizes.shared_inner = between(0, 1) * between(1, 80);
    const OddDecoder odd(sizes, seed);
    const Checkpoint checkpoint = odd.open();
    const Request request = text_request(seed, sizes.vocabulary, between(1, 70), 6);
    const WrittenText expected = written_by(checkpoint, WeightFormat::f32, 1, request);
    ASSERT_EQ(expected.error, "");
    for (const int ranks : {2, 3, between(4, 9)}) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ": " << sizes.heads << " heads of " << sizes.hidden
                                        << " columns, " << sizes.kv_heads << " of keys, " << sizes.experts
                                        << " experts, " << sizes.vocabulary << " words, " << ranks << " ranks");
      expect_same(written_by(checkpoint, WeightFormat::f32, ranks, request), expected);
    }
  }
}

// Weights are the same numbers, rounded as in one rank: what differs is the order of sums, and where values between
// products are rounded to bf16 or to bytes. So several ranks are as far from f32 as one.
TEST(ParallelModels, IsAsNearToF32AsOneRankInNarrowFormats) {
  for (const DecoderSizes& sizes : odd_sizes()) {
    const OddDecoder odd(sizes);
    const Checkpoint checkpoint = odd.open();
    Request request = text_request(3, sizes.vocabulary, 30, 0);
    request.forced = text_request(4, sizes.vocabulary, 4, 0).prompt;
    const WrittenText exact = written_by(checkpoint, WeightFormat::f32, 1, request);
    for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
      const double expected = difference(written_by(checkpoint, format, 1, request), exact).logits;
      for (const int ranks : {2, 5}) {
        const double got = difference(written_by(checkpoint, format, ranks, request), exact).logits;
        EXPECT_LT(got, 2 * expected) << name_of(format) << ", " << sizes.heads << " heads, " << ranks << " ranks";
      }
    }
  }
}

// A model that was packed ahead is taken apart as one that is packed when it is loaded.
TEST(ParallelModels, TakesPackedModelsApart) {
  const testing::TempFolder folder;
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q4}) {
    const std::filesystem::path packed = folder / std::string(name_of(format));
    quantize_model(testing::mini_folder, packed, format, cpu_device());
    const Checkpoint plain = Checkpoint::open(testing::mini_folder);
    const Request request = text_request(5, 500, 40, 6);
    for (const int ranks : {2, 4}) {
      expect_same_bits(written_by(Checkpoint::open(packed), format, ranks, request),
                       written_by(plain, format, ranks, request));
    }
  }
}

// Unlimited-OCR's window, with a guard that watches.
TEST(ParallelModels, FollowsAWindow) {
  const LoadedModel model(TEST_DATA "/goldens/unlimited-ocr/mini", cpu_device(), WeightFormat::f32);
  ASSERT_GT(model.decoder.config().window, 0);
  Request request = text_request(6, model.decoder.config().vocabulary, 50, 100);
  request.guard.classes = &model.token_classes;
  request.logits = false;
  const WrittenText expected = written_by(model.checkpoint, WeightFormat::f32, 1, request, 1024);
  for (const int ranks : {2, 4}) {
    const WrittenText got = written_by(model.checkpoint, WeightFormat::f32, ranks, request, 1024);
    EXPECT_EQ(got.tokens, expected.tokens);
    EXPECT_EQ(got.finishes, expected.finishes);
    EXPECT_EQ(got.loops.size(), expected.loops.size());
  }
}

}  // namespace
}  // namespace lectern
