// Watches the sockets of clients beside the HTTP library: one that is slower than it may be is shut down, the library
// is reminded of one that hung up within its request, and of one that waits for its answer it is told when it hangs up.
// It has a thread of its own.
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

// Any thread may call it. A socket belongs to whoever opened it, and is closed after close() alone.
class ClientWatch {
 public:
  ClientWatch();
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch();

  // It must be heard of again, by a call of any of these, within so much time. When the other side hangs up, what it
  // sent before can be read all the same.
  void limit(int socket, std::chrono::milliseconds time);
  // It has all the time. `gone` is called once, on the watch's thread, when the other side hangs up.
  void wait(int socket, std::function<void()> gone);
  void close(int socket);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Client {
    uint32_t generation = 0;
    bool is_watched = false;  // by epoll
    std::optional<Instant> until, reminder;
    std::function<void()> gone;  // empty: not waited for
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
