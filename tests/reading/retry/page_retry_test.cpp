#include "reading/retry/page_retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/drawn_pages.h"

#include "lectern/log.h"
#include "support/plans.h"

namespace lectern {
namespace {

using testing::plan_of;

Picture blank(int width, int height) {
  Picture page(width, height);
  std::ranges::fill(page.rgb, uint8_t{255});
  return page;
}

TEST(PageRetry, TilesThenHalvesForAModelThatKnowsTiles) {
  const Picture page = blank(800, 1000);
  const auto tiles = next_retry(0, plan_of(Mode::base), plan_of(Mode::gundam), page);
  ASSERT_TRUE(tiles);
  EXPECT_EQ(tiles->action, Retry::tiles);
  EXPECT_EQ(tiles->plan.mode, Mode::gundam);
  ASSERT_EQ(tiles->parts.size(), 1u);
  EXPECT_EQ(tiles->parts[0].bottom, 1000);
  const auto halves = next_retry(1, plan_of(Mode::base), plan_of(Mode::gundam), page);
  ASSERT_TRUE(halves);
  EXPECT_EQ(halves->action, Retry::halves);
  EXPECT_EQ(halves->plan.mode, Mode::gundam);
  ASSERT_EQ(halves->parts.size(), 2u);
  EXPECT_EQ(halves->parts[0].top, 0);
  EXPECT_EQ(halves->parts[0].bottom, halves->parts[1].top);
  EXPECT_EQ(halves->parts[1].bottom, 1000);
  EXPECT_FALSE(next_retry(2, plan_of(Mode::base), plan_of(Mode::gundam), page));
}

TEST(PageRetry, HalvesAloneWhereTilesWereTriedOrAreUnknown) {
  const Picture page = blank(800, 1000);
  EXPECT_EQ(next_retry(0, plan_of(Mode::gundam), plan_of(Mode::gundam), page)->action, Retry::halves);
  EXPECT_FALSE(next_retry(1, plan_of(Mode::gundam), plan_of(Mode::gundam), page));
  const auto native = next_retry(0, plan_of(Mode::native, 256), std::nullopt, page);
  ASSERT_TRUE(native);
  EXPECT_EQ(native->action, Retry::halves);
  EXPECT_EQ(native->plan.mode, Mode::native);
  EXPECT_EQ(native->plan.whole, 256);
  EXPECT_FALSE(next_retry(1, plan_of(Mode::native, 256), std::nullopt, page));
}

TEST(PageRetry, ASmallPageIsNotCut) {
  EXPECT_FALSE(next_retry(0, plan_of(Mode::gundam), plan_of(Mode::gundam), blank(500, 60)));
}

Page reading(std::optional<Finish> finish, int64_t tokens, int loops) {
  Page page;
  page.finish = finish;
  page.stats.tokens = tokens;
  page.guard.loops = loops;
  page.stats.decode_seconds = 1;
  return page;
}

Picture two_columns() {
  const std::string line = "some words of running text in a column";
  std::string content;
  for (int i = 0; i < 40; ++i) content += testing::text_at(60, 740 - 13 * i, 10, line);
  for (int i = 0; i < 40; ++i) content += testing::text_at(320, 737 - 13 * i, 10, line);
  return testing::drawn_page(content);
}

TEST(PageRetry, BlocksAfterHalvesWhereThePageHasSome) {
  const Picture page = two_columns();
  EXPECT_EQ(next_retry(0, plan_of(Mode::gundam), plan_of(Mode::gundam), page)->action, Retry::halves);
  const auto blocks = next_retry(1, plan_of(Mode::gundam), plan_of(Mode::gundam), page);
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->action, Retry::blocks);
  ASSERT_EQ(blocks->parts.size(), 2u);
  EXPECT_LT(blocks->parts[0].right, blocks->parts[1].left);
  EXPECT_FALSE(next_retry(2, plan_of(Mode::gundam), plan_of(Mode::gundam), page));

  Page known = reading(Finish::end, 0, 0);
  known.width = page.width;
  known.height = page.height;
  PageAttempts attempts(known, std::make_shared<const Picture>(page), plan_of(Mode::gundam), plan_of(Mode::gundam),
                        true, true);
  std::vector<int> widths;
  for (bool more = true; more;) {
    Page part = attempts.part();
    EXPECT_EQ(part.width, attempts.picture().width);
    widths.push_back(part.width);
    part.raw = "column";
    part.finish = Finish::loop;  // which changes nothing any more
    more = attempts.take(std::move(part));
  }
  EXPECT_EQ(widths.size(), 2u);
  EXPECT_LT(widths[0], page.width / 2);
  EXPECT_EQ(attempts.parts().size(), 2u);
  EXPECT_EQ(attempts.result().raw, "column\ncolumn");
}

TEST(PageRetry, AllBlocksTogetherHaveTheTokensOfAPage) {
  const Picture page = two_columns();
  struct Case {
    int64_t tokens, left;  // of the first block, and for the second; 0: which is not read
    Finish first, second, whole;
  };
  for (const Case& c :
       {Case{4, 6, Finish::end, Finish::length, Finish::length}, Case{4, 6, Finish::end, Finish::end, Finish::end},
        Case{10, 0, Finish::end, Finish::end, Finish::length}, Case{10, 0, Finish::length, Finish::end, Finish::length},
        Case{4, 0, Finish::stop_string, Finish::end, Finish::stop_string}}) {
    Page known = reading({}, 0, 0);
    PageAttempts attempts(known, std::make_shared<const Picture>(page), plan_of(Mode::gundam), plan_of(Mode::gundam),
                          true, true, 10);
    EXPECT_EQ(attempts.max_tokens(), 10);
    Page part = reading(c.first, c.tokens, 0);
    part.raw = "column";
    EXPECT_EQ(attempts.take(part), c.left > 0);
    if (c.left > 0) {
      EXPECT_EQ(attempts.max_tokens(), c.left);
      part.finish = c.second;
      part.stats.tokens = 6;
      EXPECT_FALSE(attempts.take(part));
    }
    const Page result = attempts.result();
    EXPECT_EQ(result.finish, c.whole);
    EXPECT_EQ(result.raw, c.left > 0 ? "column\ncolumn" : "column");
  }
}

TEST(PageRetry, TheReadingThatEndedIsTaken) {
  const Page page = better_of(reading(Finish::loop, 500, 4), reading(Finish::end, 300, 1), Retry::tiles);
  EXPECT_EQ(page.finish, Finish::end);
  EXPECT_EQ(page.guard.loops, 5);
  EXPECT_TRUE(page.guard.recovered);
  EXPECT_EQ(page.guard.action, Retry::tiles);
  EXPECT_EQ(page.stats.decode_seconds, 2);
}

TEST(PageRetry, OfTwoThatDidNotTheLongerIsTaken) {
  for (const auto& [before, again] : {std::pair<int64_t, int64_t>{500, 300}, {300, 500}}) {
    const Page page = better_of(reading(Finish::loop, before, 4), reading(Finish::loop, again, 4), Retry::halves);
    EXPECT_EQ(page.stats.tokens, 500);
    EXPECT_EQ(page.guard.loops, 8);
    EXPECT_FALSE(page.guard.recovered);
  }
}

TEST(PageRetry, AReadingThatFailedOrWasStoppedIsNot) {
  EXPECT_EQ(better_of(reading(Finish::loop, 5, 4), reading(Finish::stopped, 30, 0), Retry::halves).finish,
            Finish::loop);
  Page failed = reading(Finish::failed, 30, 0);
  failed.error = "not enough memory";
  EXPECT_EQ(better_of(reading(Finish::loop, 5, 4), std::move(failed), Retry::halves).finish, Finish::loop);
}

struct Step {
  int height;
  Mode mode;
  bool anew;
};

// Reads a page with a stand-in that finishes its parts one after the other with `finishes`.
std::pair<Page, std::vector<Step>> read_with(const std::vector<Finish>& finishes, Mode mode) {
  Page known = reading({}, 0, 0);
  known.number = 7;
  known.width = 800;
  known.height = 1000;
  known.stats.decode_seconds = 0;
  known.stats.render_seconds = 3;
  known.warnings = {{WarningCode::stretched, "before", std::nullopt}};
  PageAttempts attempts(known, std::make_shared<const Picture>(blank(800, 1000)), plan_of(mode), plan_of(Mode::gundam));
  std::vector<Step> steps;
  bool more = true;
  while (more && steps.size() < finishes.size()) {
    Page part = attempts.part();
    EXPECT_EQ(part.number, 7);
    EXPECT_EQ(part.height, attempts.picture().height);
    steps.push_back({part.height, attempts.plan().mode, attempts.begins_anew()});
    part.finish = finishes[steps.size() - 1];
    part.stats.tokens = part.height;
    part.guard.loops = part.finish == Finish::loop ? 1 : 0;
    part.raw = std::to_string(steps.size());
    more = attempts.take(std::move(part));
  }
  EXPECT_FALSE(more);
  EXPECT_EQ(steps.size(), finishes.size());
  return {attempts.result(), steps};
}

TEST(PageRetry, APageThatEndsIsReadOnce) {
  const auto [page, steps] = read_with({Finish::end}, Mode::base);
  EXPECT_EQ(page.raw, "1");
  EXPECT_EQ(page.guard.action, Retry::none);
  EXPECT_EQ(page.stats.render_seconds, 3);
}

TEST(PageRetry, LogsWhyAPageIsReadAgain) {
  std::vector<std::string> lines;
  set_log(LogLevel::info,
          [&](LogLevel, std::string_view line) { lines.emplace_back(line.substr(line.find("event="))); });
  read_with({Finish::loop, Finish::end}, Mode::base);
  set_log(LogLevel::off);
  EXPECT_EQ(lines,
            std::vector<std::string>{R"(event=page.read_again page=7 as=tiles because="its text went in a loop")"});
}

TEST(PageRetry, OneLoopTakesTilesAndAnotherHalves) {
  const auto [page, steps] = read_with({Finish::loop, Finish::loop, Finish::end, Finish::end}, Mode::base);
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].mode, Mode::base);
  EXPECT_EQ(steps[1].mode, Mode::gundam);
  EXPECT_EQ(steps[1].height, 1000);
  EXPECT_TRUE(steps[2].anew);
  EXPECT_FALSE(steps[3].anew);
  EXPECT_EQ(steps[2].height + steps[3].height, 1000);
  EXPECT_EQ(page.raw, "3\n4");
  EXPECT_EQ(page.finish, Finish::end);
  EXPECT_EQ(page.height, 1000);
  EXPECT_EQ(page.guard.loops, 2);
  EXPECT_TRUE(page.guard.recovered);
  EXPECT_EQ(page.guard.action, Retry::halves);
  EXPECT_EQ(page.stats.render_seconds, 3);
  EXPECT_EQ(page.warnings.size(), 1u);
}

TEST(PageRetry, APageThatLoopsInEveryWayIsMarked) {
  const auto [page, steps] = read_with({Finish::loop, Finish::loop, Finish::loop}, Mode::gundam);
  EXPECT_EQ(page.finish, Finish::loop);
  EXPECT_FALSE(page.guard.recovered);
  EXPECT_EQ(page.guard.loops, 3);
}

TEST(PageRetry, AStopStringInTheUpperHalfEndsThePage) {
  const auto [page, steps] = read_with({Finish::loop, Finish::stop_string}, Mode::gundam);
  EXPECT_EQ(page.raw, "2");
  EXPECT_EQ(page.finish, Finish::stop_string);
  EXPECT_TRUE(page.guard.recovered);
}

TEST(PageRetry, AStopEndsTheAttempts) {
  const auto [page, steps] = read_with({Finish::loop, Finish::stopped}, Mode::gundam);
  EXPECT_EQ(page.raw, "1");
  EXPECT_EQ(page.finish, Finish::loop);
}

}  // namespace
}  // namespace lectern
