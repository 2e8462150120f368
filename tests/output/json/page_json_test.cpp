#include "output/json/page_json.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

using nlohmann::json;

Page again(const Page& page) { return page_from_json(json::parse(page_to_json(page).dump())); }

void expect_equal(const Page& a, const Page& b) {
  // Every member, by way of the JSON and beside it.
  EXPECT_EQ(page_to_json(a), page_to_json(b));
  EXPECT_EQ(a.raw, b.raw);
  EXPECT_EQ(a.error, b.error);
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t i = 0; i < a.blocks.size(); ++i) {
    EXPECT_EQ(a.blocks[i].text, b.blocks[i].text);
    EXPECT_EQ(a.blocks[i].raw_boxes, b.blocks[i].raw_boxes);
    for (size_t k = 0; k < a.blocks[i].boxes.size(); ++k) {
      EXPECT_EQ(a.blocks[i].boxes[k].left, b.blocks[i].boxes[k].left);
      EXPECT_EQ(a.blocks[i].boxes[k].bottom, b.blocks[i].boxes[k].bottom);
    }
  }
  EXPECT_EQ(a.stats.decode_seconds, b.stats.decode_seconds);
  EXPECT_EQ(a.guard.action, b.guard.action);
  ASSERT_EQ(a.warnings.size(), b.warnings.size());
}

TEST(PageJson, LosesNothing) {
  Page page = testing::page_of(7, testing::report_page, 1654, 2339);
  page.turn = 90;
  page.guard = {2, true, Retry::halves};
  page.warnings = {{WarningCode::uncovered_ink, "there is more", Box{0.1, 1.0 / 3, 700, 800}},
                   {WarningCode::repetition, "twice", {}}};
  page.stats.decode_seconds = 1.0 / 3;
  expect_equal(page, again(page));
  expect_equal(testing::failed_page(3, "scan.pdf: page 3: damaged"),
               again(testing::failed_page(3, "scan.pdf: page 3: damaged")));
  expect_equal({}, again({}));
}

TEST(PageJson, KeepsLinesAndWordsThatWereMeasured) {
  Page page = testing::page_of(1, "abc");
  page.blocks.resize(1);
  EXPECT_FALSE(page_to_json(page)["blocks"][0].contains("lines"));
  page.blocks[0].lines = {{{1, 2, 30, 12}, "two words", {{{1, 2, 10, 12}, "two"}, {{12, 3, 30, 11.5}, "words"}}}};
  const Page kept = again(page);
  ASSERT_EQ(kept.blocks[0].lines.size(), 1u);
  const PageLine& line = kept.blocks[0].lines[0];
  EXPECT_EQ(line.text, "two words");
  EXPECT_EQ(line.box.right, 30);
  ASSERT_EQ(line.words.size(), 2u);
  EXPECT_EQ(line.words[1].text, "words");
  EXPECT_EQ(line.words[1].box.bottom, 11.5);
}

TEST(PageJson, KeepsLogProbabilitiesInNineDigits) {
  Page page = testing::page_of(1, "abc");
  EXPECT_FALSE(page_to_json(page).contains("token_logprobs"));
  page.token_logprobs = {0, -1.0F / 3, -1e-9F, -123.456789F, -std::numeric_limits<float>::infinity()};
  EXPECT_EQ(page_to_json(page)["token_logprobs"].dump(),
            "[0.0,-0.333333343,-9.99999972e-10,-123.456787,-3.40282347e+38]");
  page.token_logprobs.pop_back();
  EXPECT_FALSE(page_to_json(page).contains("token_ends"));
  page.token_ends = {0, 1, 2, 3};
  EXPECT_EQ(again(page).token_ends, page.token_ends);
  EXPECT_EQ(again(page).token_logprobs, page.token_logprobs);
}

// A program may have set a locale whose numbers have a comma.
TEST(PageJson, DependsOnNoLocale) {
  const testing::TempFolder folder;
  const std::string made = "localedef -f UTF-8 -i de_DE " + (folder / "de_DE.UTF-8").string() + " 2>/dev/null";
  if (std::system(made.c_str()) != 0) GTEST_SKIP() << "locales is not installed";
  ::setenv("LOCPATH", folder.path().c_str(), 1);
  const char* const set = std::setlocale(LC_ALL, "de_DE.UTF-8");
  ::unsetenv("LOCPATH");
  ASSERT_NE(set, nullptr);
  Page page = testing::page_of(1, "abc");
  page.dpi = 72.5;
  page.token_logprobs = {-1.0F / 3};
  const std::string text = page_to_json(page).dump();
  const Page back = page_from_json(json::parse(text));
  std::setlocale(LC_ALL, "C");
  EXPECT_EQ(json::parse(text)["token_logprobs"].dump(), "[-0.333333343]");
  EXPECT_EQ(back.token_logprobs, page.token_logprobs);
  EXPECT_EQ(back.dpi, 72.5);
}

TEST(PageJson, KeepsHowSureItIs) {
  Page page = testing::page_of(1, "abc");
  EXPECT_FALSE(page_to_json(page).contains("confidence"));
  EXPECT_FALSE(page_to_json(page)["blocks"][0].contains("confidence"));
  page.confidence = 2.0 / 3;
  page.blocks[0].confidence = 0.5;
  page.blocks[0].lines = {{{1, 2, 30, 12}, "abc", {{{1, 2, 10, 12}, "abc", 0.25}}, 0.125}};
  EXPECT_EQ(page_to_json(page)["confidence"].dump(), "0.6667");
  const Page kept = again(page);
  EXPECT_EQ(kept.confidence, 0.6667);
  EXPECT_EQ(kept.blocks[0].confidence, 0.5);
  EXPECT_EQ(kept.blocks[0].lines[0].confidence, 0.125);
  EXPECT_EQ(kept.blocks[0].lines[0].words[0].confidence, 0.25);
  page.confidence = NAN;
  EXPECT_EQ(again(page).confidence, 0);
}

TEST(PageJson, KeepsWordsWithBoxes) {
  const Page page = again(testing::page_of(1, "A <|ref|>cat<|/ref|><|det|>[[1, 1, 20, 20]]<|/det|> sits", 999, 999));
  ASSERT_EQ(page.blocks.at(0).spans.size(), 1u);
  const TextSpan& span = page.blocks[0].spans[0];
  EXPECT_EQ(page.blocks[0].text.substr(span.begin, span.end - span.begin), "cat");
  EXPECT_EQ(span.boxes.at(0).right, 20);
  EXPECT_EQ(span.raw_boxes.at(0)[3], 20);
  EXPECT_FALSE(page_to_json(testing::page_of(1, testing::paper_page))["blocks"][0].contains("spans"));
}

TEST(PageJson, KeepsBytesThatAreNoUtf8) {
  Page page;
  page.number = 1;
  page.raw = std::string("a\xFF\0\xC3(", 5);
  page.blocks = {{"l\xFF", {}, {}, "t\xC3"}};
  page.error = "\xFE";
  page.warnings = {{WarningCode::stretched, "m\xFF", {}}};
  const Page read = again(page);
  EXPECT_EQ(read.raw, page.raw);
  EXPECT_EQ(read.blocks[0].text, "t\uFFFD");
  EXPECT_EQ(read.error, "\uFFFD");
  EXPECT_FALSE(page_to_json(testing::page_of(1, "plain")).contains("raw_base64"));
}

TEST(PageJson, HasNoInfinity) {
  Page page;
  page.stats.decode_seconds = INFINITY;
  page.dpi = NAN;
  EXPECT_EQ(again(page).stats.decode_seconds, 0);
}

TEST(PageJson, RefusesWhatIsNoPage) {
  const json good = page_to_json(testing::page_of(1, testing::report_page));
  for (const std::string key : {"mode", "finish"}) {
    json odd = good;
    odd[key] = "vast";
    EXPECT_THROW(page_from_json(odd), Error) << key;
  }
  for (const std::string text : {"null", "[]", "{}", "3", R"({"number": "x"})"}) {
    EXPECT_THROW(page_from_json(json::parse(text)), Error) << text;
  }
  for (const auto& [key, value] : good.items()) {
    json changed = good;
    changed.erase(key);
    EXPECT_THROW(page_from_json(changed), Error) << key;
    changed = good;
    changed[key] = json::array({json::object()});
    EXPECT_THROW(page_from_json(changed), Error) << key;
  }
  json changed = good;
  changed["raw_base64"] = "***=";
  EXPECT_THROW(page_from_json(changed), Error);
  changed = good;
  changed["blocks"][0]["boxes"][0] = {1, 2, 3};
  EXPECT_THROW(page_from_json(changed), Error);
}

}  // namespace
}  // namespace lectern
