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
// The library reads what was sent before the other side hung up, and may not notice the end that came with it.
constexpr std::chrono::milliseconds between_reminders{250};

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

// Starts watching for the other side to hang up. Called with the lock.
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
  client.reminder.reset();
  observe(socket, client);
  wake();
}

void ClientWatch::wait(int socket, std::function<void()> gone) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[socket];
  client.gone = std::move(gone);
  client.until.reset();
  client.reminder.reset();
  observe(socket, client);
}

void ClientWatch::close(int socket) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(socket);
  if (found == clients_.end()) return;
  if (found->second.is_watched) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
  clients_.erase(found);
}

// Milliseconds until the next client is too slow or the next reminder is due; -1: none.
int ClientWatch::keep_times() {
  const std::lock_guard lock(mutex_);
  const Instant now = std::chrono::steady_clock::now();
  std::optional<Instant> next;
  const auto wait_for = [&](Instant when) { next = next ? std::min(*next, when) : when; };
  for (auto& [socket, client] : clients_) {
    if (!client.until) continue;
    if (*client.until <= now) {
      // The library sees the end of it, and closes it.
      client.until.reset();
      ::shutdown(socket, SHUT_RDWR);
      continue;
    }
    wait_for(*client.until);
    if (!client.reminder) continue;
    if (*client.reminder <= now) {
      // The other side sends nothing more, so this only wakes the library. Shutting both directions would lose what it
      // has not read.
      ::shutdown(socket, SHUT_RD);
      client.reminder = now + between_reminders;
    }
    wait_for(*client.reminder);
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
    client.reminder = std::chrono::steady_clock::now() + between_reminders;
  }
}

void ClientWatch::watch() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), keep_times());
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
