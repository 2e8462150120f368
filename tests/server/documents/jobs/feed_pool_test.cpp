#include "server/documents/jobs/feed_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  FeedPool pool{feed, order(), stop, [this](WorkerEvent event) {
                  const std::lock_guard lock(mutex);
                  ended.push_back(std::move(event.page));
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
    };
    return made;
  }
  void add(int number) {
    PageTask task;
    task.name = "scan: page " + std::to_string(number);
    task.job.ticket = static_cast<size_t>(number);
    task.job.page.number = number;
    task.job.page.dpi = 200;
    task.job.page.warnings = {{WarningCode::stretched, "stretched", std::nullopt}};
    task.job.picture = std::make_shared<const Picture>(8, 8);
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
  std::thread renderer([&] { pool.wait_for_room(8); });
  hold.request_stop();
  model->finish(0, "text");
  renderer.join();
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(wait_for(1).front().raw, "text");
}

}  // namespace
}  // namespace lectern::server
