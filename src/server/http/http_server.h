// HTTP/1.1 by libmicrohttpd, with bounds for all that a client can make large or slow. One thread serves all
// connections; a request that waits for its answer, and a stream that waits for text, hold no thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/http/http.h"

namespace lectern::server {

struct HttpLimits {
  int connections = 512;
  int connections_per_address = 64;      // 0: as many as there may be
  size_t head_bytes = size_t{64} << 10;  // of URL and headers, and of the buffers of a connection
  size_t body_bytes = size_t{32} << 20;
  size_t all_bodies_bytes = size_t{1} << 30;     // of requests that were not looked at yet, together
  std::chrono::seconds idle{60};                 // without a byte in either direction
  std::chrono::milliseconds keep_alive{15'000};  // between comments in a stream of events without any
  std::chrono::seconds head{20};                 // from the connection, or the last answer, to the end of the headers
  std::chrono::seconds body{300};                // from there to the end of the body
};

class HttpServer {
 public:
  // Listens at once. `host` is an address or a name of this machine; port 0 takes a free one. The handler must outlive
  // it. Throws Error where it cannot listen.
  HttpServer(const std::string& host, int port, const HttpLimits& limits, HttpHandler& handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // stops

  int port() const;
  // Waits until no request is on its way; whether that came in time.
  bool wait_until_idle(std::chrono::steady_clock::time_point until);
  // Ends all connections. The exchanges that are left take answers, which nobody gets.
  void stop();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lectern::server
