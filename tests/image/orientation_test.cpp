#include "image/orientation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "image/picture_file.h"
#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::print_on_paper;
using testing::text_at;
using testing::turned_page;

constexpr const char* story =
    "The committee met on Tuesday to discuss the report that had been laid before it by the secretary. It was agreed "
    "that the work should go on, and that a further sum be set aside for the purchase of books. Mr. Harding objected, "
    "saying that the public would hardly approve of such expense while the roads remained in their present state; he "
    "was "
    "reminded that the two funds were quite separate. After some talk about the weather and the price of coal, the "
    "meeting closed at half past four. Nobody had thought to open a window, and the room was very warm. Those who "
    "walked "
    "home by the river saw a heron fishing near the bridge, which was considered a good sign. ";

// Lines of about this many letters, set in a standard font, on a page of 400 x 500 points.
Picture page_in(const std::string& font, const std::string& text, size_t letters = 55, double size = 11) {
  std::string content;
  std::istringstream words(text);
  std::string line, word;
  double y = 460;
  const auto set = [&] {
    content += text_at(40, y, size, line);
    y -= size * 1.3;
    line.clear();
  };
  while (words >> word) {
    if (line.size() + word.size() > letters) set();
    line += (line.empty() ? "" : " ") + word;
  }
  set();
  const std::string pdf = testing::pdf_of({testing::PdfPage{content, "0 0 400 500"}});
  const testing::TempFolder folder;
  std::string set_in_font = pdf;
  set_in_font.replace(set_in_font.find("/Helvetica"), 10, "/" + font);
  PdfSource source(InputFile(folder.write("page.pdf", set_in_font)), {.dpi = 200});
  return source.page(0).picture;
}

int needed(int turned) { return (360 - turned) % 360; }

TEST(Orientation, LatinPrintIsSetUpright) {
  for (const std::string font : {"Helvetica", "Times-Roman", "Courier"}) {
    Picture page = page_in(font, story);
    print_on_paper(page, {240, 235, 220}, 2);
    for (const int turn : {0, 90, 180, 270}) {
      const Orientation found = detect_orientation(turned_page(page, turn));
      EXPECT_EQ(found.turn, needed(turn)) << font << " turned by " << turn << ": " << found.sideways << ", "
                                          << found.heads_down << ", " << found.marks_down;
    }
  }
}

TEST(Orientation, WhatItIsNotSureOfIsLeftAsItIs) {
  std::string capitals, figures;
  for (const char c : std::string(story)) {
    capitals += static_cast<char>(std::toupper(c));
    figures += c == ' ' ? ' ' : static_cast<char>('0' + c % 10);
  }
  std::vector<std::pair<std::string, Picture>> pages;
  pages.emplace_back("capitals", page_in("Helvetica", capitals, 45));
  pages.emplace_back("figures", page_in("Times-Roman", figures, 45));
  pages.emplace_back("one line", drawn_page(text_at(40, 300, 11, "This is all there is to see here."), 150));
  pages.emplace_back("nothing", drawn_page("", 100));
  pages.emplace_back("a picture", drawn_page("0.4 g 100 100 300 300 re f 0 g 150 250 40 40 re f", 100));
  for (const auto& [what, page] : pages) {
    for (const int turn : {0, 90, 180, 270}) {
      EXPECT_EQ(detect_orientation(turned_page(page, turn)).turn, 0) << what << " turned by " << turn;
    }
  }
  EXPECT_EQ(detect_orientation(Picture()).turn, 0);
  EXPECT_EQ(detect_orientation(Picture(1, 1)).turn, 0);
}

TEST(Orientation, LettersOfWhichMoreHangThanRiseAreNotTurnedOver) {
  // Cyrillic is such an alphabet; so are these words.
  std::string hanging;
  for (int i = 0; i < 40; ++i) hanging += "grey pages spring open using yearly grey paper copying song ";
  const Orientation found = detect_orientation(page_in("Helvetica", hanging));
  EXPECT_GT(found.heads_down, 0.5) << "one sign errs, the other does not";
  EXPECT_EQ(found.turn, 0);
}

TEST(Orientation, UprightSamplesStayUpright) {
  for (const char* name : {"hello.png", "note.jpg", "sign.png", "ticket.png"}) {
    EXPECT_EQ(detect_orientation(read_picture(std::string(LECTERN_SAMPLES "/") + name)).turn, 0) << name;
  }
  for (const char* name : {"page", "receipt", "banner", "noise"}) {
    const Picture page = read_picture(std::string(TEST_DATA "/goldens/images/") + name + ".png");
    EXPECT_EQ(detect_orientation(page).turn, 0) << name;
  }
}

TEST(Orientation, TurnsPictures) {
  Picture page(3, 2);
  for (size_t i = 0; i < page.rgb.size(); ++i) page.rgb[i] = static_cast<uint8_t>(i);
  for (const int turn : {0, 90, 180, 270}) {
    const Picture got = turned(page, turn), expected = turned_page(page, turn);
    EXPECT_EQ(std::pair(got.width, got.height), std::pair(expected.width, expected.height)) << turn;
    EXPECT_EQ(got.rgb, expected.rgb) << turn;
  }
  EXPECT_EQ(turned(turned(page, 90), 270).rgb, page.rgb);
  EXPECT_EQ(turned(page, 90).row(0)[0], page.row(1)[0]) << "what was below on the left comes to the upper left";
}

}  // namespace
}  // namespace lectern
