// A web server for tests, on a port of its own on this machine: it answers as it is told, byte for byte, so that it can
// lie, break off and stall as real ones do. One connection at a time, one request for each.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace lectern::testing {

struct ServedRequest {
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // as curl writes their names

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class HttpServer {
 public:
  // Returns all that is sent before the connection is closed, the status line first.
  using Answer = std::function<std::string(const ServedRequest&)>;

  explicit HttpServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listener_, 16) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<ServedRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!ending_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      std::string text;
      char bytes[4096];
      while (text.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection, bytes, sizeof(bytes), 0);
        if (got <= 0) break;
        text.append(bytes, static_cast<size_t>(got));
      }
      const ServedRequest request = parsed(text);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request);
      for (size_t sent = 0; sent < answer.size();) {
        const ssize_t count = ::send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<size_t>(count);
      }
      // The client closes first, so that nothing that was sent is lost.
      ::shutdown(connection, SHUT_WR);
      while (::recv(connection, bytes, sizeof(bytes), 0) > 0) {
      }
      ::close(connection);
    }
  }

  static ServedRequest parsed(const std::string& text) {
    ServedRequest request;
    const size_t space = text.find(' ');
    if (space == std::string::npos) return request;
    request.target = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
    for (size_t line = text.find("\r\n"); line != std::string::npos;) {
      const size_t start = line + 2;
      line = text.find("\r\n", start);
      const size_t colon = text.find(": ", start);
      if (line == std::string::npos || colon > line) continue;
      request.headers[text.substr(start, colon - start)] = text.substr(colon + 2, line - colon - 2);
    }
    return request;
  }

  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  std::thread thread_;
};

inline std::string http_answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

}  // namespace lectern::testing
