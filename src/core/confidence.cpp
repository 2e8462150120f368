#include "core/confidence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/text.h"

namespace lectern {
namespace {

constexpr size_t max_tag = 32;  // bytes

// Bytes of a tag, <td>, that the text begins with, or of white space; 0 where a word begins.
size_t gap_at(std::string_view text) {
  if (is_space(text.front())) return 1;
  if (text.front() != '<') return 0;
  const size_t close = text.substr(0, max_tag).find('>');
  const bool name = text.size() > 1 && (text[1] == '/' || is_letter(text[1]));
  return name && close != std::string_view::npos ? close + 1 : 0;
}

template <typename Word>
void for_each_word(std::string_view text, const Word& word) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t gap = gap_at(text.substr(at));
    if (gap == 0) {
      ++at;
      continue;
    }
    if (at > begin) word(begin, at);
    begin = at += gap;
  }
  if (text.size() > begin) word(begin, text.size());
}

}  // namespace

std::vector<float> byte_scores(std::string_view text, std::span<const size_t> ends, std::span<const float> logprobs) {
  std::vector<float> scores(text.size());
  size_t begin = 0;
  float waiting = 0;
  for (size_t i = 0; i < std::min(ends.size(), logprobs.size()); ++i) {
    waiting += logprobs[i];
    const size_t end = std::min(ends[i], text.size());
    if (end <= begin) continue;
    size_t at = begin;
    while (at < end && is_space(text[at])) ++at;
    if (at == end) {
      at = begin;
      while (at > 0 && is_space(text[at])) --at;
    }
    scores[at] += waiting;
    waiting = 0;
    begin = end;
  }
  if (begin < text.size()) scores[begin] += waiting;
  return scores;
}

double probability_of(std::span<const float> scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  return std::clamp(std::exp(sum), 0.0, 1.0);
}

void MeanConfidence::add_words(std::string_view text, std::span<const float> scores) {
  for_each_word(text, [&](size_t begin, size_t end) { add(probability_of(scores.subspan(begin, end - begin))); });
}

size_t count_words(std::string_view text) {
  size_t words = 0;
  for_each_word(text, [&](size_t, size_t) { ++words; });
  return words;
}

}  // namespace lectern
