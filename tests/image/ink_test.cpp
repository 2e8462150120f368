#include "image/ink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "image/picture_file.h"
#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::add_specks;
using testing::drawn_page;
using testing::fill;
using ::testing::IsEmpty;
using testing::print_on_paper;
using ::testing::SizeIs;
using testing::text_at;

const std::vector<std::vector<double>> papers = {{255, 255, 255}, {238, 230, 205}, {190, 190, 190}, {120, 118, 110}};

// A shadow that grows towards one side, as on a photograph of a page.
void shade(Picture& page, double darkest) {
  for (int y = 0; y < page.height; ++y) {
    for (int x = 0; x < page.width * 3; ++x) {
      page.row(y)[x] = testing::clamped(page.row(y)[x] * (1 - (1 - darkest) * x / (page.width * 3.0)));
    }
  }
}

std::string paragraph(double x, double top, int lines, double size = 10) {
  std::string content;
  for (int i = 0; i < lines; ++i) {
    content += text_at(x, top - i * size * 1.25, size, "The quick brown fox jumps over the lazy dog, and on it goes.");
  }
  return content;
}

double area(const Box& box) { return std::max(0.0, box.right - box.left) * std::max(0.0, box.bottom - box.top); }
Box both(const Box& a, const Box& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right), std::min(a.bottom, b.bottom)};
}
// A box of the page in points from its lower left corner, in pixels at 200 dpi.
Box box_at(double left, double bottom, double right, double top, double page_height = 842) {
  const double scale = 200.0 / 72;
  return {left * scale, (page_height - top) * scale, right * scale, (page_height - bottom) * scale};
}

TEST(Ink, EmptyPaperIsBlank) {
  EXPECT_TRUE(is_blank(Picture()));
  for (const auto& tone : papers) {
    for (const double noise : {0.0, 2.0, 6.0}) {
      Picture page = drawn_page("", 100);
      print_on_paper(page, tone, noise);
      EXPECT_TRUE(is_blank(page)) << tone[0] << " noise " << noise;
      shade(page, 0.6);
      EXPECT_TRUE(is_blank(page)) << tone[0] << " in a shadow, noise " << noise;
    }
  }
}

TEST(Ink, WhatScannersLeaveIsBlank) {
  const Picture empty = drawn_page("", 150);
  for (const double noise : {0.0, 4.0}) {
    Picture page = empty;
    add_specks(page, 150, 4);
    print_on_paper(page, papers[1], noise);
    EXPECT_TRUE(is_blank(page)) << "specks";

    for (const int border : {3, 15, 60}) {
      page = empty;
      fill(page, 0, 0, border, page.height, 0);
      fill(page, 0, page.height - border / 2, page.width, page.height, 10);
      print_on_paper(page, papers[1], noise);
      EXPECT_TRUE(is_blank(page)) << "black borders of " << border;
    }

    page = drawn_page("0.5 w 0 0 0 RG 40 100 m 560 100 l S 40 400 m 560 404 l S 300 50 m 300 800 l S", 150);
    print_on_paper(page, papers[0], noise);
    EXPECT_TRUE(is_blank(page)) << "ruling lines";
  }
}

TEST(Ink, OneShortLineIsNotBlank) {
  for (const double dpi : {72.0, 150.0}) {
    for (const double size : {8.0, 10.0, 60.0}) {
      for (const double grey : {0.0, 0.5, 0.8}) {
        for (const std::string text : {"See p. 12.", "- 14 -"}) {
          Picture page = drawn_page(text_at(290, 400, size, text, grey), dpi);
          EXPECT_FALSE(is_blank(page)) << text << " of " << size << " at " << dpi << ", grey " << grey;
        }
      }
    }
  }
}

TEST(Ink, FaintTextOnNoisyPaperIsNotBlank) {
  for (const double size : {8.0, 12.0}) {
    for (const auto& tone : papers) {
      Picture page = drawn_page(text_at(100, 700, size, "This page intentionally left blank.", 0.6), 120);
      print_on_paper(page, tone, 2);
      EXPECT_FALSE(is_blank(page)) << tone[0] << " size " << size;
      shade(page, 0.7);
      EXPECT_FALSE(is_blank(page)) << tone[0] << " in a shadow, size " << size;
    }
    Picture page = drawn_page(text_at(100, 700, size, "This page intentionally left blank.", 0.85));
    print_on_paper(page, papers[0], 1);
    EXPECT_FALSE(is_blank(page)) << "grey 0.85";
  }
}

TEST(Ink, OtherPagesWithSomethingOnThem) {
  EXPECT_FALSE(is_blank(testing::turned_page(drawn_page(text_at(100, 700, 8, "On its side")), 90)));
  EXPECT_FALSE(is_blank(drawn_page("0 g 0 0 595 842 re f\n" + text_at(100, 700, 10, "White on black", 1))));
  EXPECT_FALSE(is_blank(drawn_page("1 1 0 rg 0 0 595 842 re f\n" + text_at(100, 700, 10, "Black on yellow"))));
  EXPECT_FALSE(is_blank(drawn_page("3 w 200 400 m 300 500 500 200 350 420 c S"))) << "a stroke of a pen";
  EXPECT_FALSE(is_blank(drawn_page("0.5 g 100 100 300 300 re f"))) << "a picture";
  EXPECT_FALSE(is_blank(drawn_page(text_at(2, 835, 8, "At the very edge of the page"))));
  EXPECT_FALSE(is_blank(drawn_page(text_at(2, 5, 20, "HILL", 0), 100, "0 0 60 24"))) << "a label";
  for (const char* name : {"page", "receipt", "banner"}) {
    EXPECT_FALSE(is_blank(read_picture(std::string(TEST_DATA "/goldens/images/") + name + ".png"))) << name;
  }
  for (const char* name : {"hello.png", "note.jpg", "sign.png", "ticket.png"}) {
    EXPECT_FALSE(is_blank(read_picture(std::string(LECTERN_SAMPLES "/") + name))) << name;
  }
}

TEST(Ink, UncoveredTextIsFoundWhereItIs) {
  const Picture page = drawn_page(paragraph(60, 780, 8) + paragraph(60, 500, 3) + text_at(480, 30, 9, "Page 12 of 40"));
  const Box first = box_at(58, 690, 400, 790), second = box_at(58, 470, 400, 510), foot = box_at(478, 26, 560, 40);
  EXPECT_THAT(uncovered_ink(page, {}), SizeIs(3));
  EXPECT_THAT(uncovered_ink(page, std::vector<Box>{first, second, foot}), IsEmpty());
  const std::vector<Box> missing = {second, foot};
  const std::vector<Box> found = uncovered_ink(page, std::vector<Box>{first});
  ASSERT_THAT(found, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_GT(area(both(found[i], missing[i])), 0.9 * area(found[i])) << i;
    EXPECT_GT(area(found[i]), 0.4 * area(missing[i])) << i;
  }
}

TEST(Ink, ALineLeftOutOfAParagraphIsFound) {
  const Picture page = drawn_page(paragraph(60, 780, 9));
  const std::vector<Box> found =
      uncovered_ink(page, std::vector<Box>{box_at(58, 738, 400, 790), box_at(58, 670, 400, 726)});
  ASSERT_THAT(found, SizeIs(1));
  const Box line = box_at(58, 726, 400, 738);
  EXPECT_GT(area(both(found[0], line)), 0.8 * area(found[0]));
}

TEST(Ink, WhatIsNoTextIsNoWarning) {
  const Box text = box_at(58, 690, 400, 790);
  const std::string words = paragraph(60, 780, 8);
  const auto warnings = [&](Picture page) { return uncovered_ink(page, std::vector<Box>{text}); };
  Picture page = drawn_page(words);
  add_specks(page, 300, 5);
  fill(page, 0, 0, 30, page.height, 0);
  fill(page, 0, 0, page.width, 12, 0);
  print_on_paper(page, papers[1], 3);
  EXPECT_THAT(warnings(page), IsEmpty()) << "specks and borders";

  std::string table = words + "0.7 w ";
  for (int i = 0; i <= 6; ++i) {
    table += "60 " + std::to_string(200 + 30 * i) + " m 540 " + std::to_string(200 + 30 * i) + " l S ";
    table += std::to_string(60 + 80 * i) + " 200 m " + std::to_string(60 + 80 * i) + " 380 l S ";
  }
  EXPECT_THAT(warnings(drawn_page(table)), IsEmpty()) << "an empty table";
  EXPECT_THAT(warnings(drawn_page(words + "0.4 g 100 100 300 300 re f")), IsEmpty()) << "a picture";
  EXPECT_THAT(warnings(drawn_page(words + "2 w 60 640 m 500 640 l S 0 g 60 300 400 6 re f")), IsEmpty()) << "bars";
}

TEST(Ink, FaintUncoveredTextOnAScanIsFound) {
  Picture page = drawn_page(paragraph(60, 780, 8) + text_at(300, 200, 9, "RECEIVED 12 March 1931", 0.5));
  add_specks(page, 200, 4);
  print_on_paper(page, papers[1], 3);
  shade(page, 0.75);
  const std::vector<Box> found = uncovered_ink(page, std::vector<Box>{box_at(58, 690, 400, 790)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_GT(area(both(found[0], box_at(298, 196, 430, 210))), 0.8 * area(found[0]));
}

TEST(Ink, LargePagesAreMeasuredInTheirOwnPixels) {
  const Picture page = drawn_page(paragraph(60, 780, 8), 600);
  const std::vector<Box> found = uncovered_ink(page, {});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_NEAR(found[0].left, 60 * 600 / 72.0, 20);
  EXPECT_NEAR(found[0].top, (842 - 787) * 600 / 72.0, 30);
  EXPECT_LE(found[0].right, page.width);
}

TEST(Ink, OfWhichNothingWasReadIsSaid) {
  const Picture printed = drawn_page(paragraph(60, 700, 6), 100);
  Page page;
  page.finish = Finish::end;
  ASSERT_TRUE(unread_ink(page, printed).has_value());
  EXPECT_EQ(unread_ink(page, printed)->code, WarningCode::nothing_read);
  EXPECT_FALSE(unread_ink(page, drawn_page("", 100)).has_value());
  Page figure = page;
  figure.blocks.push_back({.label = "image", .boxes = {{0, 0, 100, 100}}, .raw_boxes = {}, .text = ""});
  EXPECT_FALSE(unread_ink(figure, printed).has_value());
  Page text = page;
  text.blocks.push_back({.label = "", .boxes = {}, .raw_boxes = {}, .text = "The"});
  EXPECT_FALSE(unread_ink(text, printed).has_value());
  Page stopped = page;
  stopped.finish = Finish::stopped;
  EXPECT_FALSE(unread_ink(stopped, printed).has_value());
}

TEST(Ink, OfWhichHardlyAnythingWasReadIsSaid) {
  const Picture printed = drawn_page(paragraph(60, 700, 6), 100);
  Page page;
  page.finish = Finish::end;
  EXPECT_FALSE(little_read(page, printed)) << "nothing at all is another warning";
  page.blocks.push_back({.label = "", .boxes = {}, .raw_boxes = {}, .text = "The th"});
  ASSERT_TRUE(little_read(page, printed));
  EXPECT_EQ(little_read(page, printed)->code, WarningCode::little_read);
  EXPECT_FALSE(little_read(page, drawn_page(paragraph(60, 700, 1), 100))) << "a line may be a letterhead's";
  Page cut = page;
  cut.finish = Finish::length;
  EXPECT_FALSE(little_read(cut, printed));
  Page figure = page;
  figure.blocks.push_back({.label = "image", .boxes = {{0, 0, 100, 100}}, .raw_boxes = {}, .text = ""});
  EXPECT_FALSE(little_read(figure, printed));
  page.blocks[0].text = std::string(400, 'x');
  EXPECT_FALSE(little_read(page, printed));
}

}  // namespace
}  // namespace lectern
