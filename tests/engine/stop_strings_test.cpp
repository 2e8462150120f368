#include "engine/stop_strings.h"

#include <gtest/gtest.h>

#include "language/tokenizer.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer loaded = Tokenizer::load(testing::mini_folder / "tokenizer.json");
  return loaded;
}

// Writes a text token by token; -> what is left of it when a string is found, all of it otherwise.
std::string cut(const std::string& text, const std::vector<std::string>& strings) {
  StopSearch search({&tokenizer(), strings});
  const std::vector<int32_t> ids = tokenizer().encode(text);
  int64_t committed = 0;
  for (const int32_t id : ids) {
    const auto match = search.push(id);
    if (!match) {
      EXPECT_GE(search.committed(), committed);
      committed = search.committed();
      continue;
    }
    EXPECT_LE(committed, match->tokens) << "text was committed that belongs to the string";
    const std::string left = tokenizer().decode(std::span(ids).first(static_cast<size_t>(match->tokens)), false);
    return left.substr(0, left.size() - match->cut_bytes);
  }
  EXPECT_LE(committed, static_cast<int64_t>(ids.size()));
  return tokenizer().decode(ids, false);
}

TEST(StopStrings, EndTheTextBeforeTheFirst) {
  EXPECT_EQ(cut("The total is 12.50 EUR", {"is"}), "The total ");
  EXPECT_EQ(cut("The total is 12.50 EUR", {"EUR", "12", "e t"}), "Th");
  EXPECT_EQ(cut("The total", {"The"}), "");
  EXPECT_EQ(cut("The total", {"total"}), "The ");
  EXPECT_EQ(cut("The total", {"l"}), "The tota");
}

TEST(StopStrings, LetOtherTextsBe) {
  EXPECT_EQ(cut("The total is 12.50 EUR", {"USD", "", "totals"}), "The total is 12.50 EUR");
  EXPECT_EQ(cut("aaab", {"aab b"}), "aaab");
  EXPECT_EQ(cut("", {"x"}), "");
}

TEST(StopStrings, OverlapWithThemselves) { EXPECT_EQ(cut("abababac", {"abac"}), "abab"); }

TEST(StopStrings, GoBackWithTheText) {
  StopSearch search({&tokenizer(), {"xyz"}});
  const auto push = [&](std::string_view text) {
    bool found = false;
    for (const int32_t id : tokenizer().encode(text)) found |= search.push(id).has_value();
    return found;
  };
  EXPECT_FALSE(push("1 2 3 x"));
  search.resize(2);
  EXPECT_FALSE(push("yz")) << "the x was taken back";
  EXPECT_TRUE(push("xyz"));
}

}  // namespace
}  // namespace lectern
