#include "layout/table_filter.h"

#include <gtest/gtest.h>

#include "layout/text/block_text.h"

namespace lectern {
namespace {

// In pieces of so many bytes.
std::string filtered(std::string_view text, size_t piece) {
  TableFilter filter;
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece) out += filter.push(text.substr(at, piece));
  return out + filter.finish();
}

void expect(std::string_view text, std::string_view expected) {
  for (size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(filtered(text, piece), expected) << piece;
}

TEST(TableFilter, KeepsCellsApart) {
  expect("<table><tr><td>12</td><td>34</td></tr></table>", "12\t34\n");
  expect("Sum:<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>\nThat is all.",
         "Sum:\n1\t2\n3\t4\nThat is all.");
  expect("<table border=1><tr><td>a &amp; b</td></tr></table><table><tr><td>c</td></tr></table>", "a & b\nc\n");
}

TEST(TableFilter, LetsOtherTextBe) {
  for (const std::string_view text : {"", "a < b <ta> <tab\n", "<", "x<tabl", "<td>not in a table</td>"})
    expect(text, text);
}

TEST(TableFilter, ATableThatIsCutOffKeepsItsCells) {
  expect("<table><tr><td>12</td><td>34", "12\t34\n");
  expect("<table", "<table\n");
}

// As plain text is written to a file.
TEST(TableFilter, SaysWhatTheTextWriterSays) {
  const std::string text =
      "Before\n<table><tr><td colspan=\"2\">a</td></tr><tr><td>b</td><td>c<br>d</td></tr></table>\nbehind";
  Block block;
  block.text = text;
  EXPECT_EQ(filtered(text, 3), plain_text(block));
}

}  // namespace
}  // namespace lectern
