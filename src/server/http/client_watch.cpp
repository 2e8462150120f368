#include "server/http/client_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/files/file.h"

namespace lectern::server {
namespace {

constexpr uint64_t wake_key = UINT64_MAX;
// For the library to read what was sent before the other side hung up. It does not always notice the end by itself.
constexpr std::chrono::seconds last_reading{1};

uint64_t key_of(int socket, uint32_t generation) {
  return (static_cast<uint64_t>(generation) << 32) | static_cast<uint32_t>(socket);
}

}  // namespace

ClientWatch::ClientWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_.get() < 0 || wake_.get() < 0) throw system_error("epoll", "cannot be made", errno);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = wake_key}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    throw system_error("epoll", "cannot be used", errno);
  }
  thread_ = std::thread([this] { watch(); });
}

ClientWatch::~ClientWatch() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake();
  thread_.join();
}

void ClientWatch::wake() const {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then the thread wakes anyway.
  if (::write(wake_.get(), &one, sizeof(one)) < 0) return;
}

// From now on it is told when the other side hangs up; with the lock.
void ClientWatch::observe(int socket, Client& client) {
  client.generation = ++last_generation_;
  epoll_event event{.events = EPOLLRDHUP | EPOLLONESHOT, .data = {.u64 = key_of(socket, client.generation)}};
  const int how = client.is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  client.is_watched = ::epoll_ctl(epoll_.get(), how, socket, &event) == 0;
}

void ClientWatch::limit(int socket, std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[socket];
  client.gone = nullptr;
  client.until = std::chrono::steady_clock::now() + time;
  observe(socket, client);
  wake();
}

void ClientWatch::wait(int socket, std::function<void()> gone) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[socket];
  client.gone = std::move(gone);
  client.until.reset();
  observe(socket, client);
}

void ClientWatch::close(int socket) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(socket);
  if (found == clients_.end()) return;
  if (found->second.is_watched) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
  clients_.erase(found);
}

// Milliseconds until the next one is late; -1: none.
int ClientWatch::shut_late_ones() {
  const std::lock_guard lock(mutex_);
  const Instant now = std::chrono::steady_clock::now();
  std::optional<Instant> next;
  for (auto& [socket, client] : clients_) {
    if (!client.until) continue;
    if (*client.until <= now) {
      // The library sees the end of it, and closes it.
      client.until.reset();
      ::shutdown(socket, SHUT_RDWR);
    } else {
      next = next ? std::min(*next, *client.until) : *client.until;
    }
  }
  if (!next) return -1;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*next - now).count());
}

void ClientWatch::take(uint64_t key, std::vector<std::function<void()>>& gone) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(static_cast<int>(key & UINT32_MAX));
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (key_of(found->first, client.generation) != key) return;
  if (client.gone) {
    gone.push_back(std::exchange(client.gone, nullptr));
  } else if (client.until) {
    client.until = std::min(*client.until, std::chrono::steady_clock::now() + last_reading);
  }
}

void ClientWatch::watch() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), shut_late_ones());
    std::vector<std::function<void()>> gone;
    for (int i = 0; i < count; ++i) {
      const uint64_t key = events[static_cast<size_t>(i)].data.u64;
      if (key != wake_key) {
        take(key, gone);
        continue;
      }
      uint64_t ignored = 0;
      if (::read(wake_.get(), &ignored, sizeof(ignored)) < 0) continue;
      const std::lock_guard lock(mutex_);
      if (closing_) return;
    }
    for (const auto& tell : gone) tell();
  }
}

}  // namespace lectern::server
