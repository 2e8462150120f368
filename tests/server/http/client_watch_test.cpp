#include "server/http/client_watch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string_view>

#include "core/unique_fd.h"

namespace lectern::server {
namespace {

// Both ends of a TCP connection of this machine.
struct Connection {
  Connection() : client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), any, size) != 0 || ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), any, &size) != 0 || ::connect(client.get(), any, size) != 0) {
      throw std::runtime_error("cannot connect");
    }
    server = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  UniqueFd client, server;
};

// Waits for what an edge-triggered reader, as the HTTP library is, would see next.
class Edges {
 public:
  explicit Edges(int socket) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0) throw std::runtime_error("no epoll");
  }
  uint32_t next() {
    epoll_event event{};
    return ::epoll_wait(epoll_.get(), &event, 1, -1) == 1 ? event.events : 0;
  }

 private:
  UniqueFd epoll_;
};

TEST(ClientWatch, TellsOfAClientThatHangsUpWhileItWaits) {
  Connection connection;
  ClientWatch watch;
  std::promise<void> gone;
  watch.wait(connection.server.get(), [&] { gone.set_value(); });
  connection.client = UniqueFd();
  gone.get_future().wait();
  watch.close(connection.server.get());
}

TEST(ClientWatch, ShutsALateClientDown) {
  const Connection connection;
  ClientWatch watch;
  watch.limit(connection.server.get(), std::chrono::milliseconds(1));
  char byte = 0;
  EXPECT_EQ(::recv(connection.client.get(), &byte, 1, 0), 0);
  watch.close(connection.server.get());
}

// However long the reader takes to come to it.
TEST(ClientWatch, WhatAClientSentBeforeItHungUpCanBeReadToTheEnd) {
  Connection connection;
  const int server = connection.server.get();
  ClientWatch watch;
  watch.limit(server, std::chrono::hours(1));
  Edges edges(server);
  constexpr std::string_view request = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(connection.client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  connection.client = UniqueFd();
  // Two at most are of what was sent and of its end, and may have come together: the others are reminders.
  for (int i = 0; i < 4; ++i) {
    const uint32_t events = edges.next();
    EXPECT_TRUE((events & EPOLLIN) != 0 && (events & (EPOLLHUP | EPOLLERR)) == 0) << i << ": " << events;
  }
  char bytes[100];
  EXPECT_EQ(std::string_view(bytes, static_cast<size_t>(::recv(server, bytes, sizeof(bytes), 0))), request);
  EXPECT_NE(edges.next() & EPOLLIN, 0U);
  EXPECT_EQ(::recv(server, bytes, sizeof(bytes), 0), 0);
  watch.close(server);
}

}  // namespace
}  // namespace lectern::server
