// Requests and answers of HTTP, as values, and who takes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/unique_fd.h"

namespace lectern::server {

struct HttpRequest {
  std::string id;  // 128 random bits in hexadecimal digits
  std::string method;
  std::string path;                                          // decoded, without the query
  std::string client;                                        // address
  std::string host, origin, authorization;                   // headers; empty where they lack
  std::string content_type, idempotency_key, last_event_id;  // likewise
  std::string if_none_match{};
  std::vector<std::pair<std::string, std::string>> query{};  // decoded
  bool ambiguous = false;  // its head names two hosts or two lengths of its body, or its address has a zero byte
};

struct HttpResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::shared_ptr<const UniqueFd> file{};  // its whole content is the body
};

// A form (multipart/form-data) as it arrives, piece by piece, on the thread that serves all connections: nothing here
// may wait or throw.
class HttpForm {
 public:
  struct Piece {
    std::string_view name;
    std::string_view file_name;  // empty where it has none
    std::string_view bytes;      // of the part; may be empty
    uint64_t offset = 0;         // in it; 0 begins a part
  };
  virtual ~HttpForm() = default;
  virtual size_t max_bytes() const = 0;  // of the whole body
  // An answer refuses the request.
  virtual std::optional<HttpResponse> take(const Piece& piece) = 0;
};

// A request and its answer, which is given once, whole or as a stream. Any thread may give it.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;
  virtual const std::string& body() const = 0;
  // The body is not needed any more; its memory counts against a limit.
  virtual void drop_body() = 0;
  // Where the handler gave one, it has the body.
  virtual std::shared_ptr<HttpForm> form() const = 0;

  virtual void respond(HttpResponse response) = 0;
  // Or: the head, whose body begins the stream, more of it, and the end.
  virtual void begin(HttpResponse head) = 0;
  virtual void write(std::string_view more) = 0;
  virtual void end() = 0;

  // Called once, from another thread, when the client went before it had all of the answer.
  virtual void when_gone(std::function<void()> gone) = 0;
};

// What became of a request.
struct HttpRecord {
  int status = 0;     // 0: none was sent
  int64_t bytes = 0;  // of the answer's body
  double seconds = 0;
  bool gone = false;  // the client went before it had all
};

// Called on the thread that serves all connections: nothing here may wait or throw.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // With the headers, before the body is read: an answer refuses the request.
  virtual std::optional<HttpResponse> refuse(const HttpRequest& request) = 0;
  // Then: where the body of this request goes if it is a form; null: into memory.
  virtual std::shared_ptr<HttpForm> form(const HttpRequest&) { return nullptr; }
  // What the library's limits refuse: 400 (no form), 413 (`max_bytes` are taken), 503.
  virtual HttpResponse limited(int status, size_t max_bytes) = 0;
  // That every answer to this request has, beside its own.
  virtual std::vector<std::pair<std::string, std::string>> headers(const HttpRequest&) { return {}; }
  virtual void handle(const std::shared_ptr<HttpExchange>& exchange) = 0;
  virtual void finished(const HttpRequest& request, const HttpRecord& record) = 0;
};

}  // namespace lectern::server
