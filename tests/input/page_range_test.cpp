#include "input/page_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string failure(const std::string& text, int pages = 10) {
  try {
    pages_in(parse_page_range(text), pages);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(PageRange, ListsPagesInTheirOrderEachOnce) {
  EXPECT_THAT(pages_in(parse_page_range("3"), 10), ElementsAre(2));
  EXPECT_THAT(pages_in(parse_page_range("1-3,8"), 10), ElementsAre(0, 1, 2, 7));
  EXPECT_THAT(pages_in(parse_page_range("8,1-3, 2 - 4 "), 10), ElementsAre(0, 1, 2, 3, 7));
  EXPECT_THAT(pages_in(parse_page_range("9-"), 10), ElementsAre(8, 9));
  EXPECT_THAT(pages_in(parse_page_range("-2,10"), 10), ElementsAre(0, 1, 9));
  EXPECT_THAT(pages_in(parse_page_range("4-4"), 10), ElementsAre(3));
}

TEST(PageRange, NothingMeansAllPages) {
  EXPECT_THAT(pages_in(parse_page_range(""), 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(pages_in(PageRange{}, 2), ElementsAre(0, 1));
  EXPECT_THAT(pages_in(PageRange{}, 0), IsEmpty());
}

TEST(PageRange, SaysWhatIsWrong) {
  EXPECT_EQ(failure("0"), "`pages` 0: pages are counted from 1");
  EXPECT_EQ(failure("1,0-3"), "`pages` 1,0-3: pages are counted from 1");
  EXPECT_EQ(failure("5-2"), "`pages` 5-2: 5-2 runs backwards; expected 2-5");
  EXPECT_EQ(failure("99999999999"), "`pages` 99999999999: 99999999999 is too large");
  for (const std::string text : {",", "1,", ",1", "-", "1,,2"})
    EXPECT_THAT(failure(text), HasSubstr("a page is missing"));
  for (const std::string text : {"a", "1-b", "1.5", "1-2-3", "--2", "+1", "1;2", "0x1"}) {
    EXPECT_THAT(failure(text), HasSubstr("is no page number; expected a list as in 1-3,8,12-")) << text;
  }
}

TEST(PageRange, RefusesPagesBeyondTheEnd) {
  EXPECT_EQ(failure("11"), "`pages` 11: there is no page 11; the file has 10 pages");
  EXPECT_EQ(failure("9-12"), "`pages` 9-12: there is no page 12; the file has 10 pages");
  EXPECT_EQ(failure("12-"), "`pages` 12-: there is no page 12; the file has 10 pages");
  EXPECT_EQ(failure("2", 1), "`pages` 2: there is no page 2; the file has 1 page");
  EXPECT_EQ(failure("2000000000", 1), "`pages` 2000000000: there is no page 2000000000; the file has 1 page");
}

}  // namespace
}  // namespace lectern
