#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/temp_folder.h"
#include "layout/raw_pages.h"
#include "support/pages.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::slurp;
using testing::TempFolder;

TEST(RawWriter, KeepsEveryByte) {
  const TempFolder folder;
  const std::string odd = "\n a\xFF\r\n" + std::string(1, '\0') + " \n\n";
  {
    const auto writer = make_writer(Format::raw, folder / "a.mmd", testing::info_of(1), {});
    writer->page(testing::page_of(1, odd), nullptr);
    writer->finish();
  }
  EXPECT_EQ(slurp(folder / "a.mmd"), odd);
  const auto writer = make_writer(Format::raw, folder / "b.mmd", testing::info_of(3), {});
  writer->page(testing::page_of(1, odd), nullptr);
  writer->page(testing::failed_page(2, "damaged"), nullptr);
  writer->page(testing::page_of(3, testing::paper_page), nullptr);
  writer->finish();
  EXPECT_THAT(split_raw_pages(slurp(folder / "b.mmd")),
              ElementsAre(odd, "<!-- Page 2 could not be read: damaged -->\n", testing::paper_page));
}

}  // namespace
}  // namespace lectern
