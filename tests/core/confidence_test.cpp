#include "core/confidence.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lectern {
namespace {

using Scores = std::vector<float>;

Scores scores_of(std::string_view text, const std::vector<size_t>& ends, const Scores& logprobs) {
  return byte_scores(text, ends, logprobs);
}

TEST(Confidence, GivesATokenToItsFirstByteOfAWord) {
  EXPECT_EQ(scores_of("ab cd", {2, 5}, {-1, -2}), (Scores{-1, 0, 0, -2, 0}));
}

TEST(Confidence, GivesWhiteSpaceToTheWordThatItEnds) {
  EXPECT_EQ(scores_of("ab \ncd", {1, 2, 3, 4, 5, 6}, {-1, -2, -4, -8, -16, -32}), (Scores{-1, -14, 0, 0, -16, -32}));
}

TEST(Confidence, GivesPartsOfACharacterToTheWholeOfIt) {
  EXPECT_EQ(scores_of("a\xC3\xA9", {1, 1, 3}, {-1, -2, -4}), (Scores{-1, -6, 0}));
  EXPECT_EQ(scores_of("a\xEF\xBF\xBD", {1, 1}, {-1, -2}), (Scores{-1, -2, 0, 0})) << "a character that never ended";
}

TEST(Confidence, TakesWhateverTheLengthsAre) {
  EXPECT_EQ(scores_of("", {}, {}), Scores{});
  EXPECT_EQ(scores_of("ab", {1, 9, 9}, {-1, -2, -4, -8}), (Scores{-1, -2}));
  EXPECT_EQ(scores_of("ab", {}, {-1}), (Scores{0, 0}));
}

TEST(Confidence, IsAProbability) {
  EXPECT_DOUBLE_EQ(probability_of(Scores{-0.5F, 0, -0.25F}), std::exp(-0.75));
  EXPECT_EQ(probability_of({}), 1);
  EXPECT_EQ(probability_of(Scores{0.001F}), 1);
  EXPECT_EQ(probability_of(Scores{-INFINITY}), 0);
}

TEST(Confidence, OfWordsIsTheirMean) {
  MeanConfidence mean;
  EXPECT_FALSE(mean.value());
  const std::string_view text = "<tr><td>one two</td>";
  Scores scores(text.size());
  scores[0] = -9;  // a tag counts for nothing
  scores[8] = std::log(0.5F);
  scores[12] = std::log(0.25F);
  mean.add_words(text, scores);
  EXPECT_EQ(mean.words(), 2u);
  EXPECT_NEAR(*mean.value(), 0.375, 1e-6);
  mean.add(0);
  EXPECT_NEAR(*mean.value(), 0.25, 1e-6);
}

TEST(Confidence, CountsWords) {
  EXPECT_EQ(count_words(""), 0u);
  EXPECT_EQ(count_words("  a\tb\n"), 2u);
  EXPECT_EQ(count_words("<table><tr><td>a b</td><td colspan=\"2\">c</td></tr></table>"), 3u);
  EXPECT_EQ(count_words("a < b, 3<4 and <unclosed"), 6u);
}

}  // namespace
}  // namespace lectern
