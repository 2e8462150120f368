// HTTP/1.1 by libmicrohttpd, with bounds for all that a client can make large or slow. One thread serves all
// connections: requests that wait for their response, and streams that wait for text, hold no thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/http/http.h"
#include "server/http/http_limits.h"

namespace lectern::server {

class HttpServer {
 public:
  // Listens at once. `host` is an address or a name of this machine; port 0 takes a free one. The handler must outlive
  // it. Throws Error where it cannot listen.
  HttpServer(const std::string& host, int port, const HttpLimits& limits, HttpHandler& handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // stops

  int port() const;
  // Waits until no request is in progress; false if that takes longer.
  bool wait_until_idle(std::chrono::steady_clock::time_point until);
  // Ends all connections. Exchanges that are left still accept responses, which go nowhere.
  void stop();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lectern::server
