// Watch over the sockets of clients, besides the HTTP library: it shuts down clients that are too slow, reminds the
// library of those that hung up within their request, and tells when one that waits for its answer hangs up. It has a
// thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "core/unique_fd.h"

namespace lectern::server {

// Any thread may call it. Sockets belong to whoever opened them, who closes one only after close().
class ClientWatch {
 public:
  ClientWatch();
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch();

  // Shuts the socket down unless any of these functions is called for it again within this time. What the other side
  // sent before it hung up can still be read.
  void limit(int socket, std::chrono::milliseconds time);
  // Without a time limit. `gone` is called once, on the watch's thread, when the other side hangs up.
  void wait(int socket, std::function<void()> gone);
  void close(int socket);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Client {
    uint32_t generation = 0;
    bool is_watched = false;  // by epoll
    std::optional<Instant> until, reminder;
    std::function<void()> gone;  // empty: nobody waits for it
  };

  void watch();
  void observe(int socket, Client& client);
  void take(uint64_t key, std::vector<std::function<void()>>& gone);
  int keep_times();
  void wake() const;

  UniqueFd epoll_, wake_;
  std::mutex mutex_;  // of the following
  std::map<int, Client> clients_;
  uint32_t last_generation_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace lectern::server
