#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/temp_folder.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;

std::string written(const std::vector<Page>& pages, const OutputOptions& options = {}) {
  const TempFolder folder;
  const auto writer = make_writer(Format::text, folder / "a.txt", testing::info_of(1), options);
  for (const Page& page : pages) writer->page(page, nullptr);
  writer->finish();
  return slurp(folder / "a.txt");
}

TEST(TextWriter, WritesTextWithoutMarks) {
  const std::string text = written({testing::page_of(1, testing::report_page)});
  EXPECT_THAT(text,
              HasSubstr("Annual Report\n\nTable 1: Income by quarter, in thousands\n\nRegion\tFirst half\n\tQ1\tQ2\n"));
  EXPECT_THAT(text, HasSubstr("South & West\t0.00\t9 < 10\n"));
  EXPECT_THAT(text, HasSubstr("\n\n    for (i = 0; i < n; ++i) {\n"));
  EXPECT_THAT(text, Not(HasSubstr("<t")));
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(TextWriter, DropsWhatIsNotWanted) {
  const Page page = testing::page_of(1, testing::paper_page);
  const std::string all = written({page});
  EXPECT_THAT(all, HasSubstr("Journal of Applied Clockwork"));
  EXPECT_TRUE(all.ends_with("Preprint, not for redistribution\n\n12\n"));
  OutputOptions options;
  options.headers = options.footers = options.page_numbers = false;
  const std::string less = written({page}, options);
  EXPECT_TRUE(less.starts_with("On the Regularity"));
  EXPECT_TRUE(less.ends_with("1998。\n"));
}

TEST(TextWriter, PartsAndMarksPages) {
  Page cut = testing::page_of(3, "The beginning");
  cut.finish = Finish::length;
  const std::vector<Page> pages = {testing::page_of(1, "One"), testing::failed_page(2, "a\nb"), cut};
  const std::string note = "[Page 2 could not be read: a b]\n",
                    rest = "The beginning\n\n[Page 3 is incomplete: it was cut short at the limit of tokens]\n";
  EXPECT_EQ(written(pages), "One\n\n" + note + "\n" + rest);
  OutputOptions breaks;
  breaks.page_breaks = true;
  EXPECT_EQ(written(pages, breaks), "One\n\f" + note + "\f" + rest);
}

}  // namespace
}  // namespace lectern
