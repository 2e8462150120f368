// Pages that wait to be read, alone or as the sequences that are read of several: bounded, in turns by client, so that
// a book does not keep a letter waiting. A few threads decode pictures when the model has room for them, and hand them
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
  size_t max_picture_bytes = size_t{1} << 30;  // decoded, of those; one order may always be read
  int64_t max_pixels = 64'000'000;             // of a picture
  int threads = 2;
};

struct OrderedPicture {
  std::string name;              // in messages
  std::string bytes;             // of a picture file,
  std::optional<Image> image{};  // or the page itself, which is not blank
};

// A page, or several that are read in one sequence.
struct PageOrder {
  std::string client;                    // whose turn it takes
  std::vector<OrderedPicture> pictures;  // at least one
  ModelLease model;
  PageOptions options;
  // As of ServedModel::submit; from failed and finished on, never again. Finished, it has an answer for each picture.
  std::function<void(PageNews)> tell;

  size_t bytes() const;  // of the files
};

using PageId = uint64_t;

// What is counted, on any thread. All may be empty.
struct FeedEvents {
  std::function<void(double seconds)> waited;       // each page, until it was decoded
  std::function<void(double seconds)> first_token;  // each page, since it was added
  std::function<void(const PageAnswer&)> read;      // each page that came to its end
};

class PageFeed {
 public:
  PageFeed(const FeedLimits& limits, FeedEvents events);
  PageFeed(const PageFeed&) = delete;
  PageFeed& operator=(const PageFeed&) = delete;
  ~PageFeed();  // cancels all, and waits for what is with the models

  // All of them or, where the queue has no room, none.
  std::optional<std::vector<PageId>> add(std::vector<PageOrder> orders);
  // A page of somebody who bounds by himself what he hands over: it is never refused.
  PageId add_bounded(PageOrder order);
  // Work that is done before any page, on a thread of the feed's.
  void run(std::function<void()> work);
  // A page that waits is forgotten, without news, and so is true; one that is read ends soon, as finished.
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
  size_t telling_ = 0;  // last news that are being told
  PageId last_id_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace lectern::server
