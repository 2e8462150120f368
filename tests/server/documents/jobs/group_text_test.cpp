#include "server/documents/jobs/group_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lectern::server {
namespace {

// The pages of a text that comes in pieces of so many bytes.
std::vector<std::string> parted(const std::string& text, size_t pages, size_t step) {
  GroupText group(pages);
  std::vector<std::string> shown(pages);
  for (size_t at = 0; at < text.size(); at += step) {
    for (const GroupText::Piece& piece : group.push(at, text.substr(at, step))) {
      std::string& page = shown.at(piece.page);
      EXPECT_EQ(piece.keep, page.size());
      page += piece.more;
    }
  }
  return shown;
}

TEST(GroupText, IsPartedAtMarksHoweverItComes) {
  const struct {
    const char* text;
    std::vector<std::string> pages;
  } cases[] = {
      {"<PAGE>\none\n<PAGE>\ntwo <PAGE> of\n<b>", {"one\n", "two <PAGE> of\n<b>"}},
      {"one\n<PAGE>two", {"one\n", "two"}},
      {"<PAGE>\n<PAGE>\ntwo", {"", "two"}},
      {"<PAGE>\none\n<PAGE>\ntwo\n<PAGE>\nthree", {"one\n", "two\n<PAGE>\nthree"}},
      {"no mark", {"no mark", ""}},
  };
  for (const auto& [text, pages] : cases) {
    for (const size_t step : {1U, 2U, 3U, 5U, 100U}) EXPECT_EQ(parted(text, 2, step), pages) << text << " by " << step;
  }
}

TEST(GroupText, IsToldAnewWhenItIsTakenBack) {
  GroupText group(2);
  group.push(0, "<PAGE>\none\n<PAGE>\ntwo");
  const std::vector<GroupText::Piece> pieces = group.push(0, "1");
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].page, 0U);
  EXPECT_EQ(pieces[0].keep, 0U);
  EXPECT_EQ(pieces[1].page, 1U);
  EXPECT_EQ(pieces[1].keep, 0U);
  EXPECT_EQ(pieces[2].page, 0U);
  EXPECT_EQ(pieces[2].more, "1");
}

}  // namespace
}  // namespace lectern::server
