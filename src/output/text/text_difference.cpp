#include "output/text/text_difference.h"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>

#include "core/text.h"
#include "layout/markup.h"

namespace lectern {
namespace {

using Words = std::span<const uint32_t>;  // numbers that stand for words

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < text.size();) {
    while (i < text.size() && is_space(text[i])) ++i;
    const size_t begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    if (i > begin) words.push_back(text.substr(begin, i - begin));
  }
  return words;
}

struct Match {
  size_t left, right;  // index of a word in either text
};

// Of the longest common subsequence of a and the words of b up to each.
std::vector<uint32_t> common_lengths(Words a, Words b, bool backwards) {
  std::vector<uint32_t> row(b.size() + 1, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    const uint32_t word = backwards ? a[a.size() - 1 - i] : a[i];
    uint32_t diagonal = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      const uint32_t above = row[j + 1];
      const uint32_t other = backwards ? b[b.size() - 1 - j] : b[j];
      row[j + 1] = word == other ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row;
}

// The longest common subsequence, by Hirschberg's method: in memory for one line of the table.
void match(Words a, Words b, size_t a_first, size_t b_first, std::vector<Match>& matches) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) {
    matches.push_back({a_first++, b_first++});
    a = a.subspan(1);
    b = b.subspan(1);
  }
  size_t tail = 0;
  while (tail < a.size() && tail < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  a = a.first(a.size() - tail);
  b = b.first(b.size() - tail);
  if (a.size() == 1) {
    const auto found = std::ranges::find(b, a.front());
    if (found != b.end()) matches.push_back({a_first, b_first + static_cast<size_t>(found - b.begin())});
  } else if (!a.empty() && !b.empty()) {
    const size_t half = a.size() / 2;
    const std::vector<uint32_t> before = common_lengths(a.first(half), b, false);
    const std::vector<uint32_t> behind = common_lengths(a.subspan(half), b, true);
    size_t cut = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      if (before[j] + behind[b.size() - j] > before[cut] + behind[b.size() - cut]) cut = j;
    }
    match(a.first(half), b.first(cut), a_first, b_first, matches);
    match(a.subspan(half), b.subspan(cut), a_first + half, b_first + cut, matches);
  }
  for (size_t i = 0; i < tail; ++i) matches.push_back({a_first + a.size() + i, b_first + b.size() + i});
}

// One space for white space, none at the ends.
std::u32string plain_characters(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text.append(text.empty() ? "" : " ").append(word);
  return characters_of(text);
}

// Levenshtein's distance, 64 lines of its table at a time as bits (Myers 1999, Hyyrö 2003).
int64_t edits_between(std::u32string_view a, std::u32string_view b) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
  if (a.empty() || b.empty()) return static_cast<int64_t>(std::max(a.size(), b.size()));
  constexpr size_t bits = 64;
  const size_t blocks = (a.size() + bits - 1) / bits;
  std::map<char32_t, std::vector<uint64_t>> places;  // of each character of a
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<uint64_t>& of = places.try_emplace(a[i], blocks, uint64_t{0}).first->second;
    of[i / bits] |= uint64_t{1} << (i % bits);
  }
  const std::vector<uint64_t> none(blocks, 0);
  // Where the table grows, and falls, by one from line to line.
  std::vector<uint64_t> rises(blocks, ~uint64_t{0}), falls(blocks, 0);
  const uint64_t last = uint64_t{1} << ((a.size() - 1) % bits);
  auto distance = static_cast<int64_t>(a.size());
  for (const char32_t c : b) {
    const auto found = places.find(c);
    const std::vector<uint64_t>& equal = found == places.end() ? none : found->second;
    int carry = 1;  // the difference to the column before, at the upper edge of the block
    for (size_t i = 0; i < blocks; ++i) {
      const uint64_t up = rises[i];
      const uint64_t down = falls[i];
      uint64_t same = equal[i];
      const uint64_t vertical = same | down;
      if (carry < 0) same |= 1;
      const uint64_t horizontal = (((same & up) + up) ^ up) | same;
      uint64_t grows = down | ~(horizontal | up);
      uint64_t shrinks = up & horizontal;
      const uint64_t edge = i + 1 == blocks ? last : uint64_t{1} << (bits - 1);
      const int next = ((grows & edge) != 0 ? 1 : 0) - ((shrinks & edge) != 0 ? 1 : 0);
      grows = (grows << 1) | uint64_t{carry > 0};
      shrinks = (shrinks << 1) | uint64_t{carry < 0};
      rises[i] = shrinks | ~(vertical | grows);
      falls[i] = grows & vertical;
      carry = next;
    }
    distance += carry;
  }
  return distance;
}

std::string_view from_to(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

}  // namespace

TextDifference& TextDifference::operator+=(const TextDifference& other) {
  left_words += other.left_words;
  right_words += other.right_words;
  same_words += other.same_words;
  left_characters += other.left_characters;
  right_characters += other.right_characters;
  edits += other.edits;
  return *this;
}

double TextDifference::edit_distance() const {
  const int64_t longer = std::max(left_characters, right_characters);
  return longer == 0 ? 0 : static_cast<double>(edits) / static_cast<double>(longer);
}

double TextDifference::word_agreement() const {
  const int64_t all = left_words + right_words;
  return all == 0 ? 1 : 2 * static_cast<double>(same_words) / static_cast<double>(all);
}

TextDifference compare_texts(std::string_view left, std::string_view right) {
  const std::vector<std::string_view> a = words_of(left);
  const std::vector<std::string_view> b = words_of(right);
  std::unordered_map<std::string_view, uint32_t> numbers;
  const auto numbered = [&](const std::vector<std::string_view>& words) {
    std::vector<uint32_t> of;
    of.reserve(words.size());
    for (const std::string_view word : words)
      of.push_back(numbers.try_emplace(word, static_cast<uint32_t>(numbers.size())).first->second);
    return of;
  };
  std::vector<Match> matches;
  match(numbered(a), numbered(b), 0, 0, matches);

  TextDifference difference;
  difference.left_words = static_cast<int64_t>(a.size());
  difference.right_words = static_cast<int64_t>(b.size());
  difference.same_words = static_cast<int64_t>(matches.size());
  // Runs end where words begin, so that white space stays with the words before it.
  const auto place = [](const std::vector<std::string_view>& words, size_t word, std::string_view text) {
    return word < words.size() ? words[word].data() : text.data() + text.size();
  };
  const char* left_at = left.data();
  const char* right_at = right.data();
  const auto run_to = [&](size_t left_word, size_t right_word, bool same) {
    const char* const left_end = place(a, left_word, left);
    const char* const right_end = place(b, right_word, right);
    if (left_end == left_at && right_end == right_at) return;
    difference.runs.push_back({same, from_to(left_at, left_end), from_to(right_at, right_end)});
    left_at = left_end;
    right_at = right_end;
  };
  for (size_t i = 0; i < matches.size();) {
    size_t end = i + 1;
    while (end < matches.size() && matches[end].left == matches[end - 1].left + 1 &&
           matches[end].right == matches[end - 1].right + 1) {
      ++end;
    }
    run_to(matches[i].left, matches[i].right, i == 0 && matches[i].left == 0 && matches[i].right == 0);
    run_to(matches[end - 1].left + 1, matches[end - 1].right + 1, true);
    i = end;
  }
  run_to(a.size(), b.size(), a.empty() && b.empty());

  const std::u32string left_characters = plain_characters(a);
  const std::u32string right_characters = plain_characters(b);
  difference.left_characters = static_cast<int64_t>(left_characters.size());
  difference.right_characters = static_cast<int64_t>(right_characters.size());
  difference.edits = edits_between(left_characters, right_characters);
  return difference;
}

}  // namespace lectern
