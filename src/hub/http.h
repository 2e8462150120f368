// One HTTP request at a time, through libcurl: only http and https, certificates checked, redirects left to the caller.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace lectern::hub {

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string redirect;                        // where an answer of 3xx points to, as a whole address

  // Empty when there is no such header.
  std::string header(const std::string& name) const;
};

// Thrown for failures that a retry may solve: a broken or stalled connection, a busy server.
struct TryAgain {
  std::string reason;
  std::chrono::seconds at_least{0};  // how long the server asks to wait
  bool unreachable = false;          // no server was there to answer
};

// Receives the body of a successful answer, block by block. Its exceptions end the request and are passed on.
using TakeBody = std::function<void(const HttpAnswer&, std::span<const std::byte>)>;

// Restrictions for addresses chosen by clients: no proxy is used, and every resolved address is checked before a
// connection is made.
struct Confinement {
  std::function<bool(const sockaddr& address)> may_connect;
  std::chrono::seconds total{30};         // for one request
  std::vector<std::string> resolve = {};  // "HOST:PORT:ADDRESS", instead of asking the system
};

class HttpClient {
 public:
  // Time without a byte after which a connection is given up.
  explicit HttpClient(std::chrono::seconds stall);
  ~HttpClient();
  HttpClient(std::chrono::seconds stall, Confinement confinement);

  // Throws TryAgain when the connection breaks, Error when a retry is pointless, and Stopped.
  HttpAnswer get(const std::string& url, const std::vector<std::string>& headers, const TakeBody& take,
                 const std::stop_token& stop);

 private:
  struct Close {
    void operator()(void* handle) const;
  };
  struct Confined;
  std::unique_ptr<Confined> confined_;
  std::unique_ptr<void, Close> handle_;  // CURL
};

// "https://host:443": a secret is sent on only to the same origin. Throws Error unless it is an http(s) URL.
std::string origin_of(const std::string& url);

}  // namespace lectern::hub
