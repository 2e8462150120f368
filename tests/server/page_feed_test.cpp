#include "server/page_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/picture.h"
#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "server/fake_model.h"

namespace lectern::server {
namespace {

using ::testing::ElementsAre;
using testing::FakeModel;
using ::testing::HasSubstr;

const std::string& written_page() {
  static const std::string bytes = testing::slurp(LECTERN_SAMPLES "/hello.png");
  return bytes;
}

// The last news of pages, by their names.
class Ends {
 public:
  std::function<void(PageNews)> of(const std::string& name) {
    return [this, name](const PageNews& news) {
      if (news.kind != PageNews::Kind::finished && news.kind != PageNews::Kind::failed) return;
      {
        const std::lock_guard lock(mutex_);
        ends_.emplace_back(name, news);
      }
      news_.notify_all();
    };
  }
  std::vector<std::pair<std::string, PageNews>> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return ends_.size() >= count; });
    return ends_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<std::pair<std::string, PageNews>> ends_;
};

// Of a model that outlives all pages.
ModelLease lent(FakeModel& model) {
  return {&model, [](ServedModel*) {}};
}

struct Feeding {
  explicit Feeding(FeedLimits limits = {}) : feed(limits, {}) {}

  PageOrder order(const std::string& name, const std::string& client = "a", const std::string& bytes = written_page()) {
    return {.client = client,
            .pictures = {{.name = name, .bytes = bytes}},
            .model = lent(model),
            .options = {},
            .tell = ends.of(name)};
  }
  std::vector<PageId> add(std::vector<PageOrder> orders) { return feed.add(std::move(orders)).value(); }

  FakeModel model;
  Ends ends;
  PageFeed feed;
};

FeedLimits one_at_a_time() {
  FeedLimits limits;
  limits.max_reading = 1;
  limits.threads = 1;
  return limits;
}

TEST(PageFeed, TakesTurnsBetweenClients) {
  Feeding run(one_at_a_time());
  run.add({run.order("first", "book")});
  run.model.wait_for(1);
  run.add({run.order("book 1", "book"), run.order("book 2", "book"), run.order("book 3", "book")});
  run.add({run.order("letter", "letter")});
  std::vector<std::string> order;
  for (size_t i = 0; i < 5; ++i) {
    run.model.wait_for(i + 1);
    order.push_back(run.model.name_of(i));
    run.model.finish(i, "");
  }
  EXPECT_THAT(order, ElementsAre("first", "book 1", "letter", "book 2", "book 3"));
}

TEST(PageFeed, TakesAllPagesOrNone) {
  FeedLimits limits = one_at_a_time();
  limits.max_waiting = 2;
  Feeding run(limits);
  run.add({run.order("in hand")});
  run.model.wait_for(1);
  run.add({run.order("waits")});
  EXPECT_EQ(run.feed.add({run.order("b"), run.order("c")}), std::nullopt);
  EXPECT_EQ(run.feed.waiting(), 1u);
  EXPECT_EQ(run.feed.reading(), 1u);
  run.add({run.order("d")});
  EXPECT_EQ(run.feed.add({run.order("e")}), std::nullopt);
}

TEST(PageFeed, BoundsTheBytesThatWait) {
  FeedLimits limits = one_at_a_time();
  limits.max_waiting_bytes = 2 * written_page().size();
  Feeding run(limits);
  run.add({run.order("in hand")});
  run.model.wait_for(1);
  run.add({run.order("a"), run.order("b")});
  EXPECT_EQ(run.feed.add({run.order("c")}), std::nullopt);
}

TEST(PageFeed, ForgetsAPageThatWaitsAndEndsOneThatIsRead) {
  Feeding run(one_at_a_time());
  const std::vector<PageId> ids = run.add({run.order("read"), run.order("waits"), run.order("next")});
  run.model.wait_for(1);
  run.feed.cancel(ids[1]);
  EXPECT_EQ(run.feed.waiting(), 1u);
  run.feed.cancel(ids[0]);
  run.model.wait_for_cancel(0);
  run.model.wait_for(2);
  EXPECT_EQ(run.model.name_of(1), "next");
  run.feed.cancel(ids[0]);  // long gone
  run.model.finish(1, "text");
  const auto ends = run.ends.wait_for(2);
  EXPECT_EQ(ends[0].first, "read");
  EXPECT_EQ(ends[0].second.answer.finish, "stopped");
  EXPECT_EQ(ends[1].second.answer.text, "text");
}

// Written pages and blank ones (*), as one order.
PageOrder sequence(Feeding& run, const std::string& pages) {
  Picture white(64, 64);
  std::ranges::fill(white.rgb, uint8_t{255});
  const std::string blank = encode_jpeg(white, 90);
  PageOrder order = run.order("1");
  order.pictures.clear();
  for (const char page : pages) {
    order.pictures.push_back(
        {.name = std::to_string(order.pictures.size() + 1), .bytes = page == '*' ? blank : written_page()});
  }
  return order;
}

TEST(PageFeed, PagesOfOneSequenceGoToTheModelTogetherWithoutThoseThatAreBlank) {
  Feeding run;
  run.add({sequence(run, "*aa*a")});
  run.model.wait_for(1);
  EXPECT_EQ(run.feed.reading(), 5U);
  EXPECT_EQ(run.model.name_of(0), "2");
  EXPECT_EQ(run.model.pages_of(0), 3U);
  run.model.finish(0, "<PAGE>\none\n<PAGE>\ntwo\n<PAGE>\nthree");
  const PageNews end = run.ends.wait_for(1).back().second;
  ASSERT_EQ(end.further.size(), 4U);
  EXPECT_EQ(end.answer.finish, "blank");
  EXPECT_EQ(end.answer.text, "<PAGE>\none\n<PAGE>\ntwo\n<PAGE>\nthree") << "of all of them";
  EXPECT_EQ(end.further[0].page->raw, "one\n");
  EXPECT_EQ(end.further[2].answer.finish, "blank");
  EXPECT_EQ(end.further[3].page->raw, "three");
  EXPECT_EQ(run.feed.reading(), 0U);
}

TEST(PageFeed, BoundsThePixelsOfOneSequence) {
  FeedLimits limits;
  limits.max_picture_bytes = 1;
  Feeding run(limits);
  run.add({sequence(run, "aa")});
  const PageNews end = run.ends.wait_for(1).back().second;
  EXPECT_EQ(end.status, 422);
  EXPECT_THAT(end.error, HasSubstr("2: the pictures of one sequence have more than"));
  run.add({sequence(run, "a")});
  run.model.wait_for(1);
  run.model.finish(0, "text");
}

TEST(PageFeed, NamesWhatIsWrongWithAPicture) {
  const struct {
    const char* name;
    std::string bytes;
    int64_t max_pixels;
    int status;
    const char* reason;
  } cases[] = {
      {"text", "hello", 1'000'000, 415, "not a picture of a known format"},
      {"nothing", "", 1'000'000, 415, "is empty; expected a picture"},
      {"pdf", "%PDF-1.7\n", 1'000'000, 415, "not a picture of a known format"},
      {"cut", written_page().substr(0, 60), 1'000'000, 422, "damaged or incomplete PNG"},
      {"large", written_page(), 1000, 422, "the limit is 1000 in all"},
  };
  for (const auto& [name, bytes, max_pixels, status, reason] : cases) {
    FeedLimits limits;
    limits.max_pixels = max_pixels;
    Feeding run(limits);
    run.add({run.order(name, "a", bytes)});
    const auto end = run.ends.wait_for(1).back();
    EXPECT_EQ(end.second.kind, PageNews::Kind::failed) << name;
    EXPECT_EQ(end.second.status, status) << name;
    EXPECT_THAT(end.second.error, HasSubstr(reason)) << name;
    EXPECT_TRUE(end.second.error.starts_with(name)) << end.second.error;
    EXPECT_EQ(run.feed.reading(), 0u);
  }
}

TEST(PageFeed, WorksBeforeItReads) {
  Feeding run(one_at_a_time());
  std::mutex mutex;
  std::condition_variable news;
  int works = 0;
  for (int i = 0; i < 3; ++i) {
    run.feed.run([&] {
      const std::lock_guard lock(mutex);
      ++works;
      news.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  news.wait(lock, [&] { return works == 3; });
}

TEST(PageFeed, EndsWhatIsReadWhenItGoes) {
  Ends ends;
  FakeModel model;
  {
    PageFeed feed(one_at_a_time(), {});
    for (const char* name : {"read", "waits"}) {
      feed.add({{.client = "a",
                 .pictures = {{.name = name, .bytes = written_page()}},
                 .model = lent(model),
                 .options = {},
                 .tell = ends.of(name)}});
    }
    model.wait_for(1);
  }
  const auto all = ends.wait_for(1);
  ASSERT_EQ(all.size(), 1u) << "what waited is forgotten";
  EXPECT_EQ(all[0].second.answer.finish, "stopped");
}

}  // namespace
}  // namespace lectern::server
