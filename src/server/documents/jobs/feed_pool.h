// The pages of a job through the feed that all requests share: they take turns with those of other clients.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "reading/reading_pool.h"
#include "server/page_feed.h"
#include "server/served_model.h"

namespace lectern::server {

struct FeedPoolOrder {
  std::string client;  // whose turns the pages take
  std::shared_ptr<ServedModel> model;
  PageOptions options;
  // Once it is asked for, no page begins any more, and when those on their way have ended, the run is stopped.
  std::stop_token hold;
  // What is told of pages, of each of those that are read in one sequence too; on any thread, must not throw or wait.
  std::function<void(int number, const PageNews& news)> news;
};

class FeedPool final : public ReadingPool {
 public:
  // The feed must outlive it. `stop` and `tell` as PageWorkers takes them; only ends of pages are told.
  FeedPool(PageFeed& feed, FeedPoolOrder order, std::stop_source stop, std::function<void(WorkerEvent)> tell);
  FeedPool(const FeedPool&) = delete;
  FeedPool& operator=(const FeedPool&) = delete;
  ~FeedPool() override;  // stops, and waits for the pages

  // Pages count from when they are added until they end.
  void wait_for_room(size_t max_waiting) override;
  void add(PageTask task) override;
  void close() override {}
  std::string dead() const override { return ""; }
  std::vector<WorkerReport> join() override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lectern::server
