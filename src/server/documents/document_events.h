// Events of documents for clients that watch them: server-sent events, the last of which are kept for clients that
// reconnect. Any thread may call it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http.h"
#include "server/page_price.h"

namespace lectern::server {

class DocumentEvents {
 public:
  // State of a job, for a client that has no events of it yet.
  struct Standing {
    std::string job;                            // JSON
    std::vector<std::pair<int, bool>> pages{};  // finished, and whether they failed
  };

  DocumentEvents();

  // Makes a job watchable, until end().
  void open(const std::string& id);
  // `job` is JSON.
  void changed(const std::string& id, const std::string& job);
  void page_begun(const std::string& id, int number, const PagePrice& price);
  void page_ended(const std::string& id, int number, bool failed);
  // Cuts the page's text so far to `keep` bytes, then appends `more`.
  void text(const std::string& id, int number, size_t keep, std::string_view more);
  // Ends the streams. The store must already say that the job has ended.
  void end(const std::string& id, const std::string& job);

  // Streams all events after the one with the id `after`, or, if that is no longer known, the state of now and all
  // events from then on. The stream of a job that is not open ends at once. `standing` is called with the lock held,
  // and must not call this object.
  void watch(const std::string& id, const std::shared_ptr<HttpExchange>& exchange, std::string_view after,
             const std::function<Standing()>& standing);

  // Expected cost of a page that is being read; nullopt for others.
  std::optional<PagePrice> reading(const std::string& id, int number);

  // Ends all streams, so that clients reconnect later.
  void close();

 private:
  struct Event {
    int64_t number = 0;
    std::string sent;
  };
  struct ReadPage {
    PagePrice price;
    std::string text;  // so far
  };
  struct Channel {
    int64_t before = 0;  // all its events after this number are kept
    std::deque<Event> last;
    size_t last_bytes = 0;
    std::map<int, ReadPage> pages;  // being read
    std::vector<std::shared_ptr<HttpExchange>> watchers;
  };

  // Called with the lock held.
  std::string event_id(int64_t number) const;
  std::optional<int64_t> known_number(std::string_view event_id) const;
  void tell(Channel& channel, std::string_view name, std::string_view data);
  std::string standing_events(const Channel* channel, const Standing& standing) const;
  void forget(const std::string& id, const HttpExchange* exchange);

  const std::string process_;  // beginning of all ids, which tells them from those of another process
  std::mutex mutex_;           // of the following
  std::map<std::string, Channel> channels_;
  int64_t last_number_ = 0;  // of all jobs together
  bool closed_ = false;
};

}  // namespace lectern::server
