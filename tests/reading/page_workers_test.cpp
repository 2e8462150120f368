#include "reading/page_workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <latch>
#include <map>
#include <new>
#include <set>
#include <thread>

#include "device/device_failure.h"
#include "lectern/error.h"
#include "support/fake_pages.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::fake_worker;
using testing::FakeReader;
using ::testing::HasSubstr;

// Feeds pages to workers and gathers what comes back.
class Workers : public ::testing::Test {
 protected:
  std::vector<WorkerReport> read(const std::vector<PageWorker>& workers, size_t pages) {
    PageWorkers all(workers, stop, [this](const WorkerEvent& event) { take(event); });
    for (size_t i = 0; i < pages; ++i) all.add(task_of(i));
    if (on_added) on_added(all);
    all.close();
    return all.join();
  }

  static PageTask task_of(size_t number) {
    PageTask task;
    task.job.ticket = number;
    task.name = "page " + std::to_string(number);
    task.job.page.number = static_cast<int>(number);
    task.job.picture = std::make_shared<Picture>(4, 4);
    return task;
  }

  void take(const WorkerEvent& event) {
    const std::lock_guard lock(mutex);
    if (event.kind == WorkerEvent::Kind::lost) {
      lost.push_back(event.device + ": " + event.failure);
      if (on_lost) on_lost();
    }
    if (event.kind != WorkerEvent::Kind::finished) return;
    EXPECT_TRUE(finished.insert(event.ticket).second) << "page " << event.ticket << " came twice";
    (event.page.error.empty() ? good : bad)[event.ticket] = event.page;
    if (on_finished) on_finished();
  }

  std::stop_source stop;
  std::mutex mutex;
  std::set<size_t> finished;
  std::map<size_t, Page> good, bad;
  std::vector<std::string> lost;
  std::function<void()> on_finished, on_lost;
  std::function<void(PageWorkers&)> on_added;
};

TEST_F(Workers, ReadEveryPageOnce) {
  const auto reports = read({fake_worker("a", {.batch = 3, .steps = 4}), fake_worker("b", {.steps = 2})}, 40);
  EXPECT_EQ(good.size(), 40u);
  EXPECT_EQ(reports[0].pages + reports[1].pages, 40);
  EXPECT_EQ(good[17].raw, "read 17");
  EXPECT_THAT(lost, ElementsAre());
}

TEST_F(Workers, FillTheBatch) {
  std::atomic<size_t> most{0};
  std::latch rendered(1);
  FakeReader::Behaviour behaviour{.batch = 4, .steps = 3};
  behaviour.on_add = [&](const PageJob& job) {
    if (job.page.number == 0) rendered.wait();  // all pages are in the queue then
  };
  behaviour.on_step = [&](size_t in_flight) { most = std::max(most.load(), in_flight); };
  on_added = [&](PageWorkers&) { rendered.count_down(); };
  EXPECT_EQ(read({fake_worker("a", behaviour)}, 10)[0].pages, 10);
  EXPECT_EQ(good.size(), 10u);
  EXPECT_EQ(most, 4u);
}

// However many pages come at once, those that are being read do not wait for the views of all of them.
TEST_F(Workers, GoOnWithTheirPagesWhileOthersTakeLongToBegin) {
  std::latch queued(1);
  size_t in_a_row = 0, most = 0, adds = 0;
  FakeReader::Behaviour behaviour{.batch = 10, .steps = 20};
  behaviour.on_add = [&](const PageJob&) {
    if (adds++ == 0) queued.wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    most = std::max(most, ++in_a_row);
  };
  behaviour.on_step = [&](size_t) { in_a_row = 0; };
  on_added = [&](PageWorkers&) { queued.count_down(); };
  read({fake_worker("a", behaviour)}, 6);
  EXPECT_EQ(good.size(), 6u);
  EXPECT_LE(most, 2u);
}

// More readers than a page is tried with.
TEST_F(Workers, APageIsNotWhatReadersHadFailedOfBefore) {
  FakeReader::Behaviour gone;
  gone.on_add = [](const PageJob&) { throw FailedBefore("its process was killed"); };
  std::latch all_gone(4);
  on_lost = [&] { all_gone.count_down(); };
  std::vector<PageWorker> workers(4, fake_worker("gone", gone));
  workers.push_back({"good", [&] {
                       all_gone.wait();
                       return std::make_unique<FakeReader>(FakeReader::Behaviour{});
                     }});
  EXPECT_EQ(read(workers, 2)[4].pages, 2);
  EXPECT_EQ(lost.size(), 4u);
  EXPECT_TRUE(bad.empty());
}

TEST_F(Workers, ADeviceThatFailsInTheMiddleOfAPageIsTakenOutAndItsPagesAreReadByTheOthers) {
  FakeReader::Behaviour failing{.batch = 3, .steps = 10};
  failing.on_step = [n = 0](size_t) mutable {
    if (++n == 5) throw DeviceFailure("card 0 fell off the bus");
  };
  std::latch failed(1);
  FakeReader::Behaviour healthy{.batch = 3, .steps = 2};
  healthy.on_step = [&](size_t) { failed.wait(); };  // so that the other has pages at all
  std::vector<PageWorker> workers = {fake_worker("card:0", failing), fake_worker("card:1", healthy)};
  on_lost = [&] { failed.count_down(); };
  const auto reports = read(workers, 12);
  EXPECT_EQ(good.size(), 12u);
  EXPECT_THAT(lost, ElementsAre("card:0: card 0 fell off the bus"));
  EXPECT_EQ(reports[0].failure, "card 0 fell off the bus");
  EXPECT_EQ(reports[0].pages, 0);
  EXPECT_EQ(reports[1].failure, "");
  EXPECT_EQ(reports[1].pages, 12);
}

TEST_F(Workers, ASlowDeviceDoesNotHoldUpTheOthers) {
  std::latch others(19);
  on_finished = [&, left = 19]() mutable {
    if (left-- > 0) others.count_down();
  };
  // Its one page is done only after all others are.
  FakeReader::Behaviour slow{.batch = 1, .steps = 1, .on_step = [&](size_t) { others.wait(); }};
  std::latch slow_has_one(1);
  slow.on_add = [&](const PageJob&) { slow_has_one.count_down(); };
  FakeReader::Behaviour quick{.batch = 2, .steps = 1, .on_step = [&](size_t) { slow_has_one.wait(); }};
  const auto reports = read({fake_worker("slow", slow), fake_worker("quick", quick)}, 20);
  EXPECT_EQ(good.size(), 20u);
  EXPECT_EQ(reports[0].pages, 1);
  EXPECT_EQ(reports[1].pages, 19);
}

TEST_F(Workers, ADeviceWithoutMemoryForAnyPageIsTakenOut) {
  std::latch tried(3);
  FakeReader::Behaviour small{.batch = 2, .steps = 1};
  small.on_add = [&](const PageJob&) {
    tried.count_down();
    throw std::bad_alloc();
  };
  FakeReader::Behaviour large{.batch = 2, .steps = 1, .on_step = [&](size_t) { tried.wait(); }};
  const auto reports = read({fake_worker("small", small), fake_worker("large", large)}, 9);
  EXPECT_EQ(good.size(), 9u);
  EXPECT_THAT(reports[0].failure, HasSubstr("not enough memory"));
  EXPECT_EQ(reports[1].pages, 9);
}

TEST_F(Workers, APageThatIsTooLargeForOneDeviceIsReadByAnother) {
  for (const bool in_a_step : {false, true}) {
    stop = {};
    good.clear();
    finished.clear();
    std::latch tried(1);
    std::atomic<bool> has_large = false, told = false;
    const auto refuse = [&] {
      if (!told.exchange(true)) tried.count_down();
      throw std::bad_alloc();
    };
    FakeReader::Behaviour small{.batch = 1, .steps = 1};
    small.on_add = [&](const PageJob& job) {
      has_large = job.page.number == 0;
      if (has_large && !in_a_step) refuse();
    };
    small.on_step = [&](size_t) {
      if (has_large) refuse();
    };
    // Page 0 comes first, and to the small one, since the other waits for it before it takes any.
    const PageWorker large{"large", [&] {
                             tried.wait();
                             return std::make_unique<FakeReader>(FakeReader::Behaviour{.batch = 3, .steps = 1});
                           }};
    const auto reports = read({fake_worker("small", small), large}, 9);
    EXPECT_EQ(good.size(), 9u);
    EXPECT_EQ(reports[0].failure, "");
    EXPECT_EQ(reports[0].pages + reports[1].pages, 9);
    EXPECT_GE(reports[1].pages, 1);
    EXPECT_THAT(lost, ElementsAre());
  }
}

TEST_F(Workers, APageThatIsTooLargeForEveryDeviceFailsAndTakesNoneOut) {
  const FakeReader::Behaviour behaviour{.batch = 1,
                                        .steps = 1,
                                        .on_add =
                                            [](const PageJob& job) {
                                              if (job.page.number != 2) return;
                                              throw Error("card: no memory", ErrorCode::out_of_memory);
                                            },
                                        .on_step = {}};
  std::vector<PageWorker> workers;
  for (int i = 0; i < 5; ++i) workers.push_back(fake_worker("card:" + std::to_string(i), behaviour));
  read(workers, 30);
  EXPECT_THAT(lost, ElementsAre());
  EXPECT_EQ(good.size(), 29u);
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_EQ(bad[2].error, "page 2: card: no memory");
  EXPECT_EQ(bad[2].error_code, ErrorCode::out_of_memory);
}

TEST_F(Workers, TheLastDeviceGoesOnAfterAPageThatTookTooMuchMemory) {
  FakeReader::Behaviour only{.batch = 2, .steps = 1};
  only.on_add = [](const PageJob& job) {
    if (job.page.number == 3) throw std::bad_alloc();
  };
  const auto reports = read({fake_worker("cpu", only)}, 8);
  EXPECT_EQ(reports[0].pages, 7);
  EXPECT_EQ(reports[0].failure, "");
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_THAT(bad[3].error, HasSubstr("page 3: not enough memory; close other programs"));
  EXPECT_EQ(bad[3].finish, Finish::failed);
}

TEST_F(Workers, AnErrorOfAStepIsFoundOutPageByPage) {
  // The step fails whenever page 5 takes part in it.
  class Poisoned : public FakeReader {
   public:
    Poisoned() : FakeReader({.batch = 4, .steps = 2}) {}
    void add(PageJob job) override {
      poisoned_ |= job.page.number == 5;
      FakeReader::add(std::move(job));
    }
    void step(std::vector<PageEvent>& events) override {
      if (poisoned_) throw Error("the model's output is not a number");
      FakeReader::step(events);
    }
    void clear() override {
      poisoned_ = false;
      FakeReader::clear();
    }

   private:
    bool poisoned_ = false;
  };
  const auto reports = read({{"cpu", [] { return std::make_unique<Poisoned>(); }}}, 12);
  EXPECT_EQ(reports[0].failure, "");
  EXPECT_EQ(good.size(), 11u);
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_EQ(bad[5].error, "page 5: the model's output is not a number");
}

TEST_F(Workers, APageThatThreeDevicesFailedWithIsNotTriedOnAFourth) {
  const FakeReader::Behaviour behaviour{.batch = 1,
                                        .steps = 1,
                                        .on_add =
                                            [](const PageJob& job) {
                                              if (job.page.number == 2) throw DeviceFailure("illegal address");
                                            },
                                        .on_step = {}};
  std::vector<PageWorker> workers;
  for (int i = 0; i < 5; ++i) workers.push_back(fake_worker("card:" + std::to_string(i), behaviour));
  read(workers, 30);
  EXPECT_EQ(lost.size(), 3u);
  EXPECT_EQ(good.size(), 29u);
  EXPECT_THAT(bad[2].error, HasSubstr("page 2: not read: card:"));
}

TEST_F(Workers, WithoutAnyDeviceLeftEveryPageSaysWhy) {
  const FakeReader::Behaviour behaviour{.batch = 2, .steps = 1, .on_step = [](size_t) { throw DeviceFailure("gone"); }};
  read({fake_worker("a", behaviour), fake_worker("b", behaviour)}, 10);
  EXPECT_EQ(bad.size(), 10u);
  for (const auto& [ticket, page] : bad) EXPECT_THAT(page.error, HasSubstr("not read: "));
  EXPECT_EQ(lost.size(), 2u);
}

TEST_F(Workers, AModelThatCannotBeMadeOnOneDeviceIsReported) {
  const PageWorker broken{"b", []() -> std::unique_ptr<PageReader> { throw Error("no such card"); }};
  const auto reports = read({fake_worker("a", {}), broken}, 5);
  EXPECT_EQ(good.size(), 5u);
  EXPECT_EQ(reports[1].failure, "no such card");
  finished.clear();
  EXPECT_THROW(read({broken}, 5), Error);
  EXPECT_TRUE(stop.stop_requested());
}

TEST_F(Workers, AStopEndsThePagesInFlightAndTakesNoMore) {
  FakeReader::Behaviour behaviour{.batch = 2, .steps = 1000000};
  behaviour.on_step = [&](size_t) { stop.request_stop(); };
  read({fake_worker("a", behaviour)}, 10);
  EXPECT_LE(finished.size(), 2u);
  EXPECT_GE(finished.size(), 1u);
  for (const auto& [ticket, page] : good) EXPECT_EQ(page.finish, Finish::stopped);
}

TEST_F(Workers, APageThatFailsByItselfDisturbsNoOther) {
  class Failing : public FakeReader {
   public:
    Failing() : FakeReader({.batch = 4, .steps = 3}) {}
    void step(std::vector<PageEvent>& events) override {
      FakeReader::step(events);
      for (PageEvent& event : events) {
        if (event.ticket != 5 || event.kind != PageEvent::Kind::finished) continue;
        event.kind = PageEvent::Kind::failed;
        event.error = std::make_exception_ptr(Error("the model's output is not a number"));
      }
    }
  };
  const auto reports = read({{"cpu", [] { return std::make_unique<Failing>(); }}}, 12);
  EXPECT_EQ(reports[0].pages, 11);
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_EQ(bad[5].error, "page 5: the model's output is not a number");
  EXPECT_EQ(bad[5].finish, Finish::failed);
}

TEST_F(Workers, OnePageIsCancelledWhereverItIs) {
  std::latch cancelled(1);
  std::latch taken(1);
  FakeReader::Behaviour behaviour{.batch = 1, .steps = 1000000};
  behaviour.on_add = [&](const PageJob& job) {
    if (job.page.number != 0) throw Error("waits for ever");
    taken.count_down();
    cancelled.wait();
  };
  on_added = [&](PageWorkers& workers) {
    taken.wait();
    workers.cancel(0);  // is read
    workers.cancel(2);  // waits
    workers.cancel(99);
    cancelled.count_down();
  };
  read({fake_worker("a", behaviour)}, 4);
  EXPECT_EQ(good.size(), 2u);
  EXPECT_EQ(good[0].finish, Finish::stopped);
  EXPECT_EQ(good[0].raw, "read 0");
  EXPECT_EQ(good[2].finish, Finish::stopped);
  EXPECT_EQ(good[2].raw, "");
  EXPECT_EQ(bad.size(), 2u);
}

// What the reader had of it is lost with the others' when a step fails; it is not begun anew.
TEST_F(Workers, ACancelledPageIsNotReadAgain) {
  PageWorkers* pool = nullptr;
  std::latch added(1);
  FakeReader::Behaviour behaviour{.batch = 2, .steps = 6};
  std::map<int, int> begun;
  behaviour.on_add = [&](const PageJob& job) { ++begun[job.page.number]; };
  int steps = 0;
  behaviour.on_step = [&](size_t) {
    added.wait();
    if (++steps == 3) pool->cancel(0);
    if (steps == 5) throw Error("a step fails");
  };
  on_added = [&](PageWorkers& workers) {
    pool = &workers;
    added.count_down();
  };
  class Deaf : public FakeReader {  // to the wish, as one that looks for it between two pages
   public:
    using FakeReader::FakeReader;
    void cancel(size_t) override {}
  };
  read({{"a", [&] { return std::make_unique<Deaf>(behaviour); }}}, 2);
  EXPECT_EQ(good[0].finish, Finish::stopped);
  EXPECT_EQ(good[1].finish, Finish::end);
  EXPECT_EQ(begun[0], 1);
  EXPECT_EQ(begun[1], 2);
}

}  // namespace
}  // namespace lectern
