// What happens to documents, for those who watch: server-sent events, of which the last ones are kept for clients that
// come back. Any thread may tell and watch.
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
  // How a job stands, for a client that has heard nothing of it.
  struct Standing {
    std::string job;                            // JSON
    std::vector<std::pair<int, bool>> pages{};  // that were read: whether they could be
  };

  DocumentEvents();

  // A job that can be watched until its end.
  void open(const std::string& id);
  // `job` is JSON.
  void changed(const std::string& id, const std::string& job);
  void page_begun(const std::string& id, int number, const PagePrice& price);
  void page_ended(const std::string& id, int number, bool failed);
  // What was told of the page is cut to `keep` bytes, then `more` is appended.
  void text(const std::string& id, int number, size_t keep, std::string_view more);
  // The streams end. It was said before, where it can be asked for, that the job has ended.
  void end(const std::string& id, const std::string& job);

  // Streams all that comes, behind the event whose id is `after` where that is still known, else behind how it stands
  // now; a job that is not open ends the stream at once. `standing` is called with the lock held, and must not tell.
  void watch(const std::string& id, const std::shared_ptr<HttpExchange>& exchange, std::string_view after,
             const std::function<Standing()>& standing);

  // Of a page that is read now; nothing of others.
  std::optional<PagePrice> reading(const std::string& id, int number);

  // Ends all streams; clients come back.
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
    int64_t before = 0;  // the number after which nothing of it is forgotten
    std::deque<Event> last;
    size_t last_bytes = 0;
    std::map<int, ReadPage> pages;  // that are read
    std::vector<std::shared_ptr<HttpExchange>> watchers;
  };

  // With the lock held.
  std::string event_id(int64_t number) const;
  std::optional<int64_t> known_number(std::string_view event_id) const;
  void tell(Channel& channel, std::string_view name, std::string_view data);
  std::string standing_events(const Channel* channel, const Standing& standing) const;
  void forget(const std::string& id, const HttpExchange* exchange);

  const std::string process_;  // what ids begin with: those of another process are not taken for this one's
  std::mutex mutex_;           // of the following
  std::map<std::string, Channel> channels_;
  int64_t last_number_ = 0;  // of all jobs together
  bool closed_ = false;
};

}  // namespace lectern::server
