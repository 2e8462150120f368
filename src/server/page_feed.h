// Queue of pages that wait to be read, alone or several in one sequence. It is bounded, and clients take turns, so that
// a book does not keep a letter waiting. A few threads decode pictures when the model has room for them and hand them
// over; until then a page is the bytes of its file.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/model_shelf.h"
#include "server/served_model.h"

namespace lectern::server {

struct FeedLimits {
  size_t max_waiting = 1000;                   // pages
  size_t max_waiting_bytes = size_t{1} << 30;  // of their files
  size_t max_reading = 64;                     // pages with the model
  size_t max_picture_bytes = size_t{1} << 30;  // of these, decoded; one order may always be read
  int64_t max_pixels = 64'000'000;             // of a picture
  int threads = 2;
};

struct OrderedPicture {
  std::string name;              // in messages
  std::string bytes;             // of a picture file,
  std::optional<Image> image{};  // or the decoded page, which is not blank
};

// A page, or several that are read in one sequence.
struct PageOrder {
  std::string client;                    // whose turns it takes
  std::vector<OrderedPicture> pictures;  // at least one
  ModelLease model;
  PageOptions options;
  // As of ServedModel::submit; not called again after failed or finished. Finished news have an answer for each
  // picture.
  std::function<void(PageNews)> tell;

  size_t bytes() const;  // of the files
};

using PageId = uint64_t;

// For metrics, called on any thread. All may be empty.
struct FeedEvents {
  std::function<void(double seconds)> waited;       // of each page, from its arrival until it was decoded
  std::function<void(double seconds)> first_token;  // of each page, from its arrival
  std::function<void(const PageAnswer&)> read;      // each finished page
};

class PageFeed {
 public:
  PageFeed(const FeedLimits& limits, FeedEvents events);
  PageFeed(const PageFeed&) = delete;
  PageFeed& operator=(const PageFeed&) = delete;
  ~PageFeed();  // cancels all pages, and waits for those with the models

  // Adds all of them, or none (nullopt) if the queue has no room.
  std::optional<std::vector<PageId>> add(std::vector<PageOrder> orders);
  // Adds a page of a caller with a bound of its own; it is never refused.
  PageId add_bounded(PageOrder order);
  // Runs `work` on a thread of the feed, before any page.
  void run(std::function<void()> work);
  // Forgets a waiting page without further news and returns true; ends a page that is being read soon, as finished.
  bool cancel(PageId id);

  size_t waiting() const;
  size_t reading() const;

 private:
  struct QueuedPage {
    PageId id = 0;
    PageOrder order;
    std::chrono::steady_clock::time_point since;
  };
  struct Reading {
    std::function<void()> cancel;  // empty until the model has it
    bool cancelled = false;
    size_t pages = 0;
    size_t picture_bytes = 0;
  };

  PageId queue(PageOrder order);
  void work();
  bool may_read() const;
  QueuedPage next_page();
  void read(QueuedPage page);
  void submit(PageId id, const PageOrder& order, const std::vector<Image>& images,
              const std::function<void(PageNews)>& tell);
  void finished(PageId id);
  void was_told();

  const FeedLimits limits_;
  const FeedEvents events_;
  mutable std::mutex mutex_;  // of the following
  std::condition_variable news_;
  bool closing_ = false;
  std::deque<std::function<void()>> works_;
  std::map<std::string, std::deque<QueuedPage>> waiting_;  // by client; none is empty
  std::list<std::string> turns_;                           // of the clients that have pages
  size_t waiting_pages_ = 0, waiting_bytes_ = 0;
  std::map<PageId, Reading> reading_;
  size_t reading_pages_ = 0, picture_bytes_ = 0;
  size_t telling_ = 0;  // final news being delivered
  PageId last_id_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace lectern::server
