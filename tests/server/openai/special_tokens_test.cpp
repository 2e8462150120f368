#include "server/openai/special_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern::server {
namespace {

TEST(SpecialTokens, AreLeftOut) {
  EXPECT_EQ(without_special_tokens("<|ref|>title<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n# A < B", false),
            "title[[1, 2, 3, 4]]\n# A < B");
  EXPECT_EQ(without_special_tokens("<table><tr><td>1|>2</td>", false), "<table><tr><td>1|>2</td>");
  EXPECT_EQ(without_special_tokens("a <| b |> c", false), "a <| b |> c") << "with spaces";
  EXPECT_EQ(without_special_tokens("a<|ref", false), "a<|ref");
  EXPECT_EQ(without_special_tokens("", true), "");
}

TEST(SpecialTokens, AreNotTornWhereTextIsStreamed) {
  const std::string whole = "<|ref|>a<|/ref|> < b <|det|>[[1]]<|/det|><td>";
  std::string before;
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::string shown = without_special_tokens(whole.substr(0, size), true);
    EXPECT_TRUE(shown.starts_with(before)) << shown;
    EXPECT_EQ(shown.find("<|"), std::string::npos) << shown;
    before = shown;
  }
  EXPECT_EQ(before, "a < b [[1]]<td>");
}

}  // namespace
}  // namespace lectern::server
