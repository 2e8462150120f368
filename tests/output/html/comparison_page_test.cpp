#include "output/html/comparison_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ComparisonPage, MarksWhatDiffersAndEscapesTheRest) {
  std::vector<ComparedPage> pages(2);
  pages[0].name = "<a>.png";
  pages[0].left = {"", "one <two> three", 5, 1.5};
  pages[0].right = {"", "one 2 three", 4, 0.5};
  pages[0].difference = compare_texts(pages[0].left.text, pages[0].right.text);
  pages[1].name = "b.png";
  pages[1].left = {"no picture & no text", "", 0, 0};
  pages[1].right = {"", "word", 1, 0};
  pages[1].difference = compare_texts(pages[1].left.text, pages[1].right.text);
  const std::string html = comparison_page("left & co", "right", pages);
  EXPECT_THAT(html, AllOf(HasSubstr("<h1>left &amp; co and right</h1>"), HasSubstr("&lt;a&gt;.png"),
                          HasSubstr("one <del>&lt;two&gt; </del>three"), HasSubstr("one <ins>2 </ins>three"),
                          HasSubstr("no picture &amp; no text</p>"), HasSubstr("<ins>word</ins>"),
                          HasSubstr("<td>all</td><td>3</td><td>4</td>"), HasSubstr("5 / 5"), Not(HasSubstr("<two>")),
                          Not(HasSubstr("nothing was read"))));
  pages[0].right = {"", " \n", 2, 0.5};
  pages[0].difference = compare_texts(pages[0].left.text, pages[0].right.text);
  EXPECT_THAT(comparison_page("left", "right", pages), HasSubstr("<span class=\"nothing\">nothing was read</span>"));
}

}  // namespace
}  // namespace lectern
