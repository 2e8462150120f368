#include "server/documents/jobs/job_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lectern::server {
namespace {

using ::testing::ElementsAre;

// Jobs that run until a test says that they end.
class Jobs {
 public:
  RunEnd run(const JobTry& job) {
    std::unique_lock lock(mutex_);
    begun.push_back(job.id);
    model_failures.push_back(job.model_failures);
    news_.notify_all();
    news_.wait(lock, job.stop, [&] { return ends_.contains(job.id); });
    if (!ends_.contains(job.id)) return RunEnd::stopped;
    const RunEnd end = ends_.at(job.id);
    ends_.erase(job.id);
    return end;
  }
  void end(const std::string& id, RunEnd how = RunEnd::ended) {
    const std::lock_guard lock(mutex_);
    ends_[id] = how;
    news_.notify_all();
  }
  std::vector<std::string> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return begun.size() >= count; });
    return begun;
  }

  std::vector<std::string> begun;
  std::vector<int> model_failures;

 private:
  std::mutex mutex_;
  std::condition_variable_any news_;
  std::map<std::string, RunEnd> ends_;
};

struct JobQueueTest : ::testing::Test {
  Jobs jobs;

  std::unique_ptr<JobQueue> make(int threads) {
    return std::make_unique<JobQueue>(threads, std::chrono::milliseconds(1),
                                      [this](const JobTry& job) { return jobs.run(job); });
  }
};

TEST_F(JobQueueTest, ClientsTakeTurns) {
  const auto queue = make(2);
  queue->add("ann 1", "ann");
  jobs.wait_for(1);
  queue->add("ann 2", "ann");
  jobs.wait_for(2);
  queue->add("ann 3", "ann");
  queue->add("bob 1", "bob");
  EXPECT_EQ(queue->waiting(), 2U);
  jobs.end("ann 1");
  EXPECT_THAT(jobs.wait_for(3), ElementsAre("ann 1", "ann 2", "bob 1"));
  jobs.end("ann 2");
  EXPECT_EQ(jobs.wait_for(4).back(), "ann 3");
  jobs.end("bob 1");
  jobs.end("ann 3");
}

TEST_F(JobQueueTest, AJobIsForgottenOrStopped) {
  const auto queue = make(1);
  queue->add("a", "ann");
  queue->add("b", "ann");
  queue->add("c", "ann");
  jobs.wait_for(1);
  queue->cancel("b");
  queue->cancel("nothing");
  queue->cancel("a");
  EXPECT_THAT(jobs.wait_for(2), ElementsAre("a", "c"));
}

TEST_F(JobQueueTest, WhatHadNoRoomIsTriedAgain) {
  const auto queue = make(1);
  queue->add("a", "ann");
  jobs.wait_for(1);
  jobs.end("a", RunEnd::no_room);
  EXPECT_THAT(jobs.wait_for(2), ElementsAre("a", "a"));
  jobs.end("a");
}

TEST_F(JobQueueTest, WhatHadNoModelIsTriedAgainAndToldHowOften) {
  const auto queue = make(1);
  queue->add("a", "ann");
  for (size_t count = 1; const RunEnd end : {RunEnd::no_model, RunEnd::no_model, RunEnd::no_room, RunEnd::no_model}) {
    jobs.wait_for(count++);
    jobs.end("a", end);
  }
  jobs.wait_for(5);
  jobs.end("a");
  EXPECT_THAT(jobs.model_failures, ElementsAre(0, 1, 2, 0, 1));
}

TEST_F(JobQueueTest, ItsEndStopsWhatRunsAndBeginsNothing) {
  auto queue = make(1);
  queue->add("a", "ann");
  jobs.wait_for(1);
  queue->add("b", "ann");
  queue.reset();
  EXPECT_THAT(jobs.begun, ElementsAre("a"));
}

}  // namespace
}  // namespace lectern::server
