#include "server/documents/jobs/feed_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "server/fake_model.h"

namespace lectern::server {
namespace {

using testing::FakeModel;
using ::testing::HasSubstr;

struct FeedPoolTest : ::testing::Test {
  std::shared_ptr<FakeModel> model = std::make_shared<FakeModel>();
  PageFeed feed{{.max_waiting = 0, .max_reading = 1}, {}};
  std::stop_source stop, hold;
  std::mutex mutex;
  std::condition_variable news;
  std::vector<Page> ended;
  std::vector<int> begun;
  std::map<int, std::string> text;  // told of pages
  FeedPool pool{feed, order(), stop, [this](WorkerEvent event) {
                  const std::lock_guard lock(mutex);
                  ended.push_back(std::move(event.page));
                  for (FurtherPage& further : event.further) ended.push_back(std::move(further.page));
                  news.notify_all();
                }};

  FeedPoolOrder order() {
    FeedPoolOrder made;
    made.client = "ann";
    made.model = model;
    made.hold = hold.get_token();
    made.news = [this](int number, const PageNews& told) {
      const std::lock_guard lock(mutex);
      if (told.kind == PageNews::Kind::begun) begun.push_back(number);
      if (told.kind == PageNews::Kind::text) text[number] += told.more;
    };
    return made;
  }
  // `further` pages are read with it in one sequence.
  void add(int number, int further = 0) {
    PageTask task;
    task.name = "scan: page " + std::to_string(number);
    task.job.ticket = static_cast<size_t>(number);
    task.job.page.number = number;
    task.job.page.dpi = 200;
    task.job.page.warnings = {{WarningCode::stretched, "stretched", std::nullopt}};
    task.job.picture = std::make_shared<const Picture>(8, 8);
    for (int i = 1; i <= further; ++i) {
      FurtherPage& page = task.job.further.emplace_back();
      page.page.number = number + i;
      page.picture = std::make_shared<const Picture>(8, 8);
    }
    pool.add(std::move(task));
  }
  std::vector<Page> wait_for(size_t count) {
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return ended.size() >= count; });
    return ended;
  }
};

TEST_F(FeedPoolTest, PagesComeBackWithWhatWasKnownOfThem) {
  add(3);
  model->wait_for(1);
  EXPECT_EQ(model->name_of(0), "scan: page 3");
  model->finish(0, "text");
  const Page page = wait_for(1).front();
  EXPECT_EQ(page.number, 3);
  EXPECT_EQ(page.dpi, 200);
  EXPECT_EQ(page.raw, "text");
  ASSERT_EQ(page.warnings.size(), 1U);
  EXPECT_EQ(page.warnings[0].code, WarningCode::stretched);
  pool.join();
  EXPECT_EQ(begun, std::vector<int>{3});
}

TEST_F(FeedPoolTest, PagesOfOneSequenceComeBackEachWithItsText) {
  add(4, 2);
  model->wait_for(1);
  EXPECT_EQ(model->pages_of(0), 3U);
  model->write(0, "<PAGE>\none\n<PAGE>\nt");
  model->finish(0, "<PAGE>\none\n<PAGE>\ntwo");
  const std::vector<Page> pages = wait_for(3);
  EXPECT_EQ(pages[0].raw, "one\n");
  EXPECT_EQ(pages[1].raw, "two");
  EXPECT_EQ(pages[1].number, 5);
  ASSERT_EQ(pages[2].warnings.size(), 1U) << "nothing was written of it";
  EXPECT_EQ(pages[2].warnings[0].code, WarningCode::nothing_read);
  pool.join();
  EXPECT_EQ(begun, (std::vector<int>{4, 5, 6}));
  EXPECT_EQ(text, (std::map<int, std::string>{{4, "one\n"}, {5, "t"}}));
}

TEST_F(FeedPoolTest, WhatEndsASequenceEndsAllItsPages) {
  add(1, 1);
  model->wait_for(1);
  model->fail(0, "it is torn");
  for (const Page& page : wait_for(2)) EXPECT_EQ(page.error, "it is torn");
  add(3, 1);
  add(5, 1);
  model->wait_for(2);
  stop.request_stop();
  pool.join();
  const std::vector<Page> pages = wait_for(6);
  for (size_t i = 2; i < pages.size(); ++i) EXPECT_EQ(pages[i].finish, Finish::stopped);
}

TEST_F(FeedPoolTest, AFailureIsThePages) {
  add(1);
  model->wait_for(1);
  model->fail(0, "it is torn");
  const Page page = wait_for(1).front();
  EXPECT_EQ(page.error, "it is torn");
  EXPECT_EQ(page.finish, Finish::failed);
  pool.join();
}

TEST_F(FeedPoolTest, AStopEndsPagesThatWaitAndThatAreRead) {
  add(1);
  add(2);
  model->wait_for(1);
  stop.request_stop();
  pool.wait_for_room(1);
  pool.join();
  ASSERT_EQ(ended.size(), 2U);
  for (const Page& page : ended) EXPECT_EQ(page.finish, Finish::stopped);
}

TEST_F(FeedPoolTest, HeldItLetsPagesEndAndStopsThen) {
  add(1);
  model->wait_for(1);
  hold.request_stop();  // before the thread, which would find room
  std::thread renderer([&] { pool.wait_for_room(8); });
  model->finish(0, "text");
  renderer.join();
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(wait_for(1).front().raw, "text");
}

}  // namespace
}  // namespace lectern::server
