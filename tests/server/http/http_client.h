// A client of HTTP that sends whatever bytes a test wants, and reads answers as they come. It waits as long as it
// takes, up to two minutes, after which it throws.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace lectern::testing {

struct HttpReply {
  int status = 0;                              // 0: the connection ended before an answer
  std::map<std::string, std::string> headers;  // by names in lower case
  std::string body;                            // without the marks of chunks
};

class HttpClient {
 public:
  // `receive_buffer` in bytes; 0: as the system likes.
  explicit HttpClient(int port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 120, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (receive_buffer > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }

  // What the other side does not take any more is dropped.
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void request(std::string_view method, std::string_view path, std::string_view body = "",
               std::string_view headers = "") const {
    std::string text = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n" + std::string(headers);
    if (headers.find("Host:") == std::string_view::npos) text += "Host: localhost\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(text + "\r\n" + std::string(body));
  }

  // Reads until `mark` has come, which is taken with all before it. Empty where the connection ends first.
  std::string until(std::string_view mark) {
    size_t at = 0;
    while ((at = read_.find(mark)) == std::string::npos) {
      if (!more()) return "";
    }
    std::string text = read_.substr(0, at + mark.size());
    read_.erase(0, text.size());
    return text;
  }

  HttpReply head() {
    HttpReply reply;
    std::string text = until("\r\n\r\n");
    if (text.size() < 12) return reply;
    reply.status = std::stoi(text.substr(9, 3));
    for (size_t line = text.find("\r\n") + 2; line + 2 < text.size();) {
      const size_t end = text.find("\r\n", line), colon = text.find(':', line);
      std::string name = text.substr(line, colon - line);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      reply.headers[name] = text.substr(colon + 2, end - colon - 2);
      line = end + 2;
    }
    return reply;
  }

  // One chunk; empty for the last.
  std::string chunk() {
    const std::string size = until("\r\n");
    const size_t bytes = size.empty() ? 0 : std::stoul(size, nullptr, 16);
    std::string text = exactly(bytes);
    until("\r\n");
    return text;
  }

  HttpReply reply() {
    HttpReply reply = head();
    if (reply.headers.contains("content-length")) {
      reply.body = exactly(std::stoul(reply.headers.at("content-length")));
    } else if (reply.headers.contains("transfer-encoding")) {
      for (std::string part = chunk(); !part.empty(); part = chunk()) reply.body += part;
    }
    return reply;
  }

  // Whether the other side has closed the connection, which is waited for.
  bool ended() {
    while (more()) {
    }
    return true;
  }

  void close() { socket_ = UniqueFd(); }
  // Sends no more; answers may come.
  void half_close() const { ::shutdown(socket_.get(), SHUT_WR); }

 private:
  std::string exactly(size_t bytes) {
    while (read_.size() < bytes && more()) {
    }
    std::string text = read_.substr(0, bytes);
    read_.erase(0, text.size());
    return text;
  }

  // False at the end.
  bool more() {
    char bytes[4096];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("no answer in two minutes");
    if (got <= 0) return false;
    read_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  UniqueFd socket_;
  std::string read_;
};

inline HttpReply ask(int port, std::string_view method, std::string_view path, std::string_view body = "",
                     std::string_view headers = "") {
  HttpClient client(port);
  client.request(method, path, body, headers);
  return client.reply();
}

}  // namespace lectern::testing
