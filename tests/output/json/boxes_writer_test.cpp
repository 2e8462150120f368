#include "output/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "core/temp_folder.h"
#include "image/picture_file.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

using testing::TempFolder;

Picture white(int width, int height) {
  Picture picture(width, height);
  std::ranges::fill(picture.rgb, uint8_t{255});
  return picture;
}

bool is_white(const Picture& picture, int x, int y) {
  const uint8_t* pixel = picture.row(y) + static_cast<size_t>(x) * 3;
  return pixel[0] == 255 && pixel[1] == 255 && pixel[2] == 255;
}

TEST(BoxesWriter, DrawsBoxesOnThePage) {
  const TempFolder folder;
  const Picture page = white(999, 999);
  const auto writer = make_writer(Format::boxes, folder / "a.boxes.png", testing::info_of(1), {});
  writer->page(testing::page_of(1, "<|ref|>text<|/ref|><|det|>[[100, 200, 300, 400]]<|/det|>\nx", 999, 999), &page);
  writer->finish();
  const Picture drawn = read_picture(folder / "a.boxes.png");
  ASSERT_EQ(drawn.width, 999);
  for (const auto& [x, y] : {std::pair{100, 300}, {299, 300}, {200, 399}, {100, 399}, {299, 200}}) {
    EXPECT_FALSE(is_white(drawn, x, y)) << x << ", " << y;
  }
  for (const auto& [x, y] : {std::pair{99, 300}, {300, 300}, {200, 400}, {200, 300}, {500, 500}}) {
    EXPECT_TRUE(is_white(drawn, x, y)) << x << ", " << y;
  }
}

TEST(BoxesWriter, HidesNoLineBehindALabel) {
  const TempFolder folder;
  Picture page = white(999, 999);
  for (int y = 170; y < 190; ++y) std::fill_n(page.row(y) + 100 * 3, 300 * 3, uint8_t{0});  // a line just above a box
  const auto writer = make_writer(Format::boxes, folder / "a.boxes.png", testing::info_of(1), {});
  writer->page(testing::page_of(1, "<|ref|>text<|/ref|><|det|>[[100, 192, 400, 230]]<|/det|>\nx", 999, 999), &page);
  writer->finish();
  const Picture drawn = read_picture(folder / "a.boxes.png");
  for (int y = 170; y < 190; ++y) {
    ASSERT_TRUE(std::equal(page.row(y) + 100 * 3, page.row(y) + 400 * 3, drawn.row(y) + 100 * 3)) << y;
  }
}

TEST(BoxesWriter, WritesAFolderForSeveralPages) {
  const TempFolder folder;
  const Picture page = white(620, 877);
  const auto writer = make_writer(Format::boxes, folder / "a.boxes.png", testing::info_of(3), {});
  writer->page(testing::page_of(1, testing::paper_page), &page);
  writer->page(testing::failed_page(2, "damaged"), nullptr);
  writer->page(testing::page_of(3, testing::report_page), nullptr);
  writer->finish();
  EXPECT_FALSE(std::filesystem::exists(folder / "a.boxes.png"));
  EXPECT_NE(read_picture(folder / "a_boxes/page-1.png").rgb, page.rgb);
  EXPECT_EQ(read_picture(folder / "a_boxes/page-2.png").width, 800);
  EXPECT_EQ(read_picture(folder / "a_boxes/page-3.png").height, 877);
  EXPECT_THROW(make_writer(Format::boxes, std::filesystem::path("-"), testing::info_of(3), {}), Error);
  EXPECT_TRUE(writer->warnings().empty());
  const auto shorter = make_writer(Format::boxes, folder / "a.boxes.png", testing::info_of(2), {});
  shorter->page(testing::page_of(1, testing::paper_page), &page);
  shorter->page(testing::page_of(2, testing::paper_page), &page);
  shorter->finish();
  ASSERT_EQ(shorter->warnings().size(), 1u);
  EXPECT_NE(shorter->warnings()[0].find("a_boxes: 1 picture of an earlier run lies beside those of this one"),
            std::string::npos);
}

TEST(BoxesWriter, TakesAnyBoxAndLabel) {
  const TempFolder folder;
  std::string raw = "<|ref|><b>\xFF & " + std::string(500, 'x') + "<|/ref|><|det|>[[";
  for (int i = 0; i < 20'000; ++i) raw += "0, 0, 999, 999], [999, 999, 0, 0], [";
  raw += "1, 1, 1, 1]]<|/det|>";
  const Picture page = white(3, 2);
  const auto writer = make_writer(Format::boxes, folder / "a.png", testing::info_of(1), {});
  writer->page(testing::page_of(1, raw, 3, 2), &page);
  writer->finish();
  EXPECT_EQ(read_picture(folder / "a.png").width, 3);
}

}  // namespace
}  // namespace lectern
