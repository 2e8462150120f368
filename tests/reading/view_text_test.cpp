#include "reading/view_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lectern {
namespace {

TEST(ViewText, LeavesSpecialTokensOut) {
  Page view;
  view.raw = "ab<|ref|>c";
  EXPECT_EQ(text_of_view(view).text, "abc");
  EXPECT_TRUE(text_of_view(view).scores.empty());
  view.token_ends = {2, 9, 10};
  view.token_logprobs = {-0.5F, -0.1F, -0.25F};
  const RowText text = text_of_view(view);
  EXPECT_EQ(text.text, "abc");
  EXPECT_EQ(text.scores.size(), 3u);
}

TEST(ViewText, KeepsTheSurestOfSeveralLines) {
  EXPECT_EQ(on_one_line({"a\nb", {-0.1F, 0, -3}}).text, "a");
  const RowText both = on_one_line({"a\nb", {-0.1F, 0, -0.2F}});
  EXPECT_EQ(both.text, "a b");
  ASSERT_EQ(both.scores.size(), 3u);
  EXPECT_FLOAT_EQ(both.scores[2], -0.2F);
  EXPECT_EQ(on_one_line({"a\nb"}).text, "a b") << "nothing tells which is surer";
}

TEST(ViewText, FindsTheFirstStringThatEndsThePage) {
  const std::vector<std::string> stops = {"Total", "", "END"};
  EXPECT_EQ(first_stop("an END and a Total", stops, 0), 3u);
  EXPECT_EQ(first_stop("an END and a Total", stops, 4), 13u);
  EXPECT_EQ(first_stop("nothing", stops, 0), std::string::npos);
}

TEST(ViewText, FindsWhatMayBeTheBeginningOfSuchAString) {
  EXPECT_EQ(beginning_of_stop("the EN", {"Total", "END"}), 2u);
  EXPECT_EQ(beginning_of_stop("the T", {"Total", "END"}), 1u);
  EXPECT_EQ(beginning_of_stop("the END", {"END"}), 0u) << "a whole one is found by first_stop";
  EXPECT_EQ(beginning_of_stop("text", {"", "END"}), 0u);
}

}  // namespace
}  // namespace lectern
