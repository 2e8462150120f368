#include "engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr float infinity = std::numeric_limits<float>::infinity();
const float nan_value = std::nanf("");

TEST(BannedTokens, EqualTheGoldens) {
  size_t compared = 0;
  for (const char* file : {"/goldens/repeat.json", "/goldens/unlimited-ocr/repeat.json"}) {
    for (const auto& c : nlohmann::json::parse(std::ifstream(std::string(TEST_DATA) + file))) {
      const auto ids = c["ids"].get<std::vector<int32_t>>();
      const auto banned = banned_tokens(ids, {c["ngram"], c["window"], c["allowed"]});
      EXPECT_EQ(std::set<int32_t>(banned.begin(), banned.end()), c["banned"].get<std::set<int32_t>>()) << c;
      ++compared;
    }
  }
  EXPECT_GE(compared, 208u);
}

TEST(BannedTokens, EdgesOfTheRule) {
  const std::vector<int32_t> ids = {7, 8, 9, 7, 8};
  EXPECT_THAT(banned_tokens(ids, {3, 90, {}}), ElementsAre(9));
  EXPECT_THAT(banned_tokens(ids, {3, 5, {}}), ElementsAre(9));
  EXPECT_THAT(banned_tokens(ids, {3, 4, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {3, 90, {9}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {2, 90, {}}), ElementsAre(9));
  EXPECT_THAT(banned_tokens(ids, {1, 3, {}}), UnorderedElementsAre(9, 7, 8));  // what is in the window
  EXPECT_THAT(banned_tokens(ids, {0, 90, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {-1, 90, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {3, 0, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {3, -5, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens(ids, {6, 90, {}}), IsEmpty());
  EXPECT_THAT(banned_tokens({}, {2, 90, {}}), IsEmpty());
}

TEST(LargestLogit, OfEqualOnesTheLowestIndex) {
  const std::vector<float> logits = {1, 3, 2, 3, 3};
  EXPECT_EQ(argmax_token(logits, {}), 1);
  EXPECT_EQ(argmax_token(logits, std::vector<int32_t>{1}), 3);
  EXPECT_EQ(argmax_token(logits, std::vector<int32_t>{3, 1, 1, 4}), 2);
  EXPECT_EQ(argmax_token(std::vector<float>{-0.0f, 0.0f}, {}), 0);
}

TEST(LargestLogit, StepsOverWhatIsNoNumber) {
  EXPECT_EQ(argmax_token(std::vector<float>{nan_value, 1, nan_value, 2, nan_value}, {}), 3);
  EXPECT_EQ(argmax_token(std::vector<float>{nan_value, -infinity}, {}), 1);
  EXPECT_EQ(argmax_token(std::vector<float>{nan_value, nan_value}, {}), -1);
}

TEST(LargestLogit, Infinities) {
  EXPECT_EQ(argmax_token(std::vector<float>{-infinity, -infinity, -infinity}, {}), 0);
  EXPECT_EQ(argmax_token(std::vector<float>{-infinity, -1e38f, -infinity}, {}), 1);
  EXPECT_EQ(argmax_token(std::vector<float>{1, infinity, infinity}, {}), 1);
}

TEST(LargestLogit, NothingToChoose) {
  EXPECT_EQ(argmax_token(std::vector<float>{1, 2, 3}, std::vector<int32_t>{0, 1, 2}), -1);
  EXPECT_EQ(argmax_token(std::vector<float>{1, nan_value}, std::vector<int32_t>{0}), -1);
  EXPECT_EQ(argmax_token({}, {}), -1);
}

TEST(LargestLogit, BannedIdsThatAreNoIndexAreOfNoEffect) {
  EXPECT_EQ(argmax_token(std::vector<float>{1, 2}, std::vector<int32_t>{-1, 2, 1000}), 1);
}

TEST(Sample, WithoutATemperatureIsTheLargest) {
  const std::vector<float> logits = {1, 5, 3, 5};
  EXPECT_EQ(sample(logits, {}, {.temperature = 0, .top_p = 0.1F, .seed = 3}, 7), 1);
  EXPECT_EQ(sample(logits, std::vector<int32_t>{1, 3}, {}, 7), 2);
  EXPECT_EQ(sample(std::vector<float>{nan_value, nan_value}, {}, {.temperature = 1}, 0), -1);
}

// As often as the softmax says, within five standard deviations.
TEST(Sample, DrawsByProbability) {
  const std::vector<float> logits = {1, 2, nan_value, 0.5F, 3};
  constexpr int draws = 20'000;
  for (const float temperature : {0.5F, 1.0F, 2.0F}) {
    std::vector<double> weights;
    double sum = 0;
    for (const float logit : logits) {
      weights.push_back(std::isnan(logit) ? 0 : std::exp(logit / temperature));
      sum += weights.back();
    }
    std::vector<int> counts(logits.size());
    for (int i = 0; i < draws; ++i)
      ++counts[static_cast<size_t>(sample(logits, {}, {.temperature = temperature, .top_p = 1, .seed = 9}, i))];
    for (size_t i = 0; i < logits.size(); ++i) {
      const double p = weights[i] / sum;
      EXPECT_NEAR(counts[i], draws * p, 5 * std::sqrt(draws * p * (1 - p)) + 1e-9) << i << " at " << temperature;
    }
  }
}

TEST(Sample, TopPKeepsTheLikeliest) {
  const std::vector<float> logits = {0, 4, 3, 1};  // about 0.01, 0.69, 0.26, 0.03
  std::set<int32_t> half, most, banned;
  for (int i = 0; i < 500; ++i) {
    half.insert(sample(logits, {}, {.temperature = 1, .top_p = 0.5F, .seed = 1}, i));
    most.insert(sample(logits, {}, {.temperature = 1, .top_p = 0.9F, .seed = 1}, i));
    banned.insert(sample(logits, std::vector<int32_t>{1}, {.temperature = 1, .top_p = 0.9F, .seed = 1}, i));
  }
  EXPECT_THAT(half, ElementsAre(1));
  EXPECT_THAT(most, ElementsAre(1, 2));
  EXPECT_THAT(banned, ElementsAre(2, 3));
}

TEST(Sample, DependsOnTheSeedAndTheNumberAlone) {
  const std::vector<float> logits(100, 1.0F);
  const Sampling sampling{.temperature = 1, .top_p = 1, .seed = 42};
  std::set<int32_t> drawn;
  for (int i = 0; i < 200; ++i) {
    drawn.insert(sample(logits, {}, sampling, i));
    EXPECT_EQ(sample(logits, {}, sampling, i), sample(logits, {}, sampling, i));
  }
  EXPECT_GT(drawn.size(), 60u);
}

}  // namespace
}  // namespace lectern
