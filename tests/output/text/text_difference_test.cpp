#include "output/text/text_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lectern {
namespace {

// By the whole table.
int64_t plain_edits(const std::string& a, const std::string& b) {
  std::vector<int64_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = std::exchange(row[0], static_cast<int64_t>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

size_t plain_common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.size()][b.size()];
}

std::string marked(const TextDifference& difference) {
  std::string text;
  for (const DifferenceRun& run : difference.runs) {
    text += run.same ? "=" + std::string(run.left) : "[" + std::string(run.left) + "|" + std::string(run.right) + "]";
  }
  return text;
}

TEST(TextDifference, MarksWordsThatDiffer) {
  EXPECT_EQ(marked(compare_texts("one two three", "one 2 three")), "=one [two |2 ]=three");
  EXPECT_EQ(marked(compare_texts("one two", "one two three")), "=one two[|three]");
  EXPECT_EQ(marked(compare_texts("b c", "a b c")), "[|a ]=b c");
  EXPECT_EQ(marked(compare_texts("", "a")), "[|a]");
  EXPECT_EQ(marked(compare_texts("", "")), "");
  EXPECT_EQ(marked(compare_texts("a\n\nb", "a b")), "=a\n\nb") << "white space does not matter";
  EXPECT_EQ(marked(compare_texts("a b", "c d")), "[a b|c d]");
}

TEST(TextDifference, CountsWordsCharactersAndEdits) {
  TextDifference difference = compare_texts("Größe 12", "Grösse 12 m");
  EXPECT_EQ(difference.left_words, 2);
  EXPECT_EQ(difference.right_words, 3);
  EXPECT_EQ(difference.same_words, 1);
  EXPECT_EQ(difference.left_characters, 8);
  EXPECT_EQ(difference.right_characters, 11);
  EXPECT_EQ(difference.edits, 4);  // ß becomes ss, and " m" is added
  EXPECT_DOUBLE_EQ(difference.edit_distance(), 4.0 / 11);
  EXPECT_DOUBLE_EQ(difference.word_agreement(), 2.0 / 5);
  difference += compare_texts("a", "a");
  EXPECT_EQ(difference.same_words, 2);
  EXPECT_EQ(difference.right_characters, 12);
  EXPECT_EQ(compare_texts("", "").edit_distance(), 0);
  EXPECT_EQ(compare_texts("", "").word_agreement(), 1);
  EXPECT_EQ(compare_texts("", "ab").edit_distance(), 1);
}

// Lengths around those of a machine word.
TEST(TextDifference, FindsTheFewestEditsAndTheMostWords) {
  std::mt19937 random(1);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  for (const size_t length : {1, 5, 63, 64, 65, 127, 128, 129, 200}) {
    for (int round = 0; round < 6; ++round) {
      std::string a, b;
      for (size_t i = 0; i < length; ++i) a += static_cast<char>('a' + below(4));
      b = a;
      for (size_t i = below(length + 1); i > 0; --i) {
        if (below(2) == 0 && !b.empty()) b.erase(below(b.size()), 1);
        if (below(2) == 0) b.insert(b.begin() + static_cast<std::ptrdiff_t>(below(b.size() + 1)), 'x');
      }
      EXPECT_EQ(compare_texts(a, b).edits, plain_edits(a, b)) << a << ' ' << b;

      std::vector<std::string> words, others;
      std::string text, other;
      for (const char c : a) words.emplace_back(1, c);
      for (const char c : b) others.emplace_back(1, c);
      for (const std::string& word : words) text += word + " ";
      for (const std::string& word : others) other += word + "\n";
      const TextDifference difference = compare_texts(text, other);
      EXPECT_EQ(static_cast<size_t>(difference.same_words), plain_common(words, others)) << a << ' ' << b;
      std::string left, right;
      for (const DifferenceRun& run : difference.runs) {
        left += run.left;
        right += run.right;
      }
      EXPECT_EQ(left, text);
      EXPECT_EQ(right, other);
    }
  }
}

}  // namespace
}  // namespace lectern
