// Confidence of text, computed from the log-probabilities of its tokens: for a word the product of the probabilities
// of its tokens; for several words their mean, which estimates the share of correct words. docs/formats.md says for
// which models it was measured.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace lectern {

// The log-probability that each byte of a text adds, 0 for most: that of a token stands at its first byte that is no
// white space, or, where it has none, at the last such byte before it, since it ends that word. `ends`: in the text,
// behind each token; a token that wrote nothing yet (a part of a character) adds to what comes next.
std::vector<float> byte_scores(std::string_view text, std::span<const std::size_t> ends,
                               std::span<const float> logprobs);

// From 0 to 1: the probability of what has these scores.
double probability_of(std::span<const float> scores);

// Of any number of words.
class MeanConfidence {
 public:
  void add(double confidence) {
    sum_ += confidence;
    ++words_;
  }
  // The words of a text, parted by white space and tags in angle brackets, with the scores of its bytes.
  void add_words(std::string_view text, std::span<const float> scores);

  std::size_t words() const { return words_; }
  std::optional<double> value() const {
    return words_ > 0 ? std::optional(sum_ / static_cast<double>(words_)) : std::nullopt;
  }

 private:
  double sum_ = 0;
  std::size_t words_ = 0;
};

// As add_words counts them.
std::size_t count_words(std::string_view text);

}  // namespace lectern
