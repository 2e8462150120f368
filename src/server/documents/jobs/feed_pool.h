// Pool that reads the pages of a job through the feed, where they take turns with those of other clients.
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
  // After this request no page begins; the run is stopped when the pages being read have ended.
  std::stop_token hold;
  // Called with the news of every page, also of each page of a sequence; on any thread. Must not throw or wait.
  std::function<void(int number, const PageNews& news)> news;
};

class FeedPool final : public ReadingPool {
 public:
  // The feed must outlive it. `stop` and `tell` as for PageWorkers; only the ends of pages are told.
  FeedPool(PageFeed& feed, FeedPoolOrder order, std::stop_source stop, std::function<void(WorkerEvent)> tell);
  FeedPool(const FeedPool&) = delete;
  FeedPool& operator=(const FeedPool&) = delete;
  ~FeedPool() override;  // stops, and waits for the pages

  // Counts pages from add() until they end.
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
