// HTTP requests and responses as values, and the interface of what handles them.
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
  std::string host, origin, authorization;                   // headers; empty if missing
  std::string content_type, idempotency_key, last_event_id;  // likewise
  std::string if_none_match{};
  std::vector<std::pair<std::string, std::string>> query{};  // decoded
  bool ambiguous = false;  // the head names two hosts or two lengths of the body, or the URL has a zero byte
};

struct HttpResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::shared_ptr<const UniqueFd> file{};  // whose content is the body, instead of `body`
};

// A form (multipart/form-data) as it arrives, piece by piece, on the thread that serves all connections: nothing here
// may wait or throw.
class HttpForm {
 public:
  struct Piece {
    std::string_view name;
    std::string_view file_name;  // may be empty
    std::string_view bytes;      // of the part; may be empty
    uint64_t offset = 0;         // within the part; 0 begins one
  };
  virtual ~HttpForm() = default;
  virtual size_t max_bytes() const = 0;  // of the whole body
  // Returns a response to refuse the request.
  virtual std::optional<HttpResponse> take(const Piece& piece) = 0;
};

// A request and its response, which is given once, by any thread, whole or as a stream.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;
  virtual const std::string& body() const = 0;
  // Frees the body, whose memory counts against a limit.
  virtual void drop_body() = 0;
  // The form that the handler gave for the body; null if it gave none.
  virtual std::shared_ptr<HttpForm> form() const = 0;

  virtual void respond(HttpResponse response) = 0;
  // As a stream: the head with the beginning of the body, more of it, and the end.
  virtual void begin(HttpResponse head) = 0;
  virtual void write(std::string_view more) = 0;
  virtual void end() = 0;

  // `gone` is called once, on another thread, if the client hangs up before it has the whole response.
  virtual void when_gone(std::function<void()> gone) = 0;
};

// Outcome of a request, for the log and metrics.
struct HttpRecord {
  int status = 0;     // 0: none was sent
  int64_t bytes = 0;  // of the response's body
  double seconds = 0;
  bool gone = false;  // the client hung up before it had all
};

// Called on the thread that serves all connections: nothing here may wait or throw.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called with the headers, before the body is read. Returns a response to refuse the request.
  virtual std::optional<HttpResponse> refuse(const HttpRequest& request) = 0;
  // Called next: the form that takes the body; null: it is kept in memory.
  virtual std::shared_ptr<HttpForm> form(const HttpRequest&) { return nullptr; }
  // The response when a limit of the library is exceeded: 400 (not a form), 413 (longer than `max_bytes`), 503.
  virtual HttpResponse limited(int status, size_t max_bytes) = 0;
  // Headers of every response to this request, besides its own.
  virtual std::vector<std::pair<std::string, std::string>> headers(const HttpRequest&) { return {}; }
  virtual void handle(const std::shared_ptr<HttpExchange>& exchange) = 0;
  virtual void finished(const HttpRequest& request, const HttpRecord& record) = 0;
};

}  // namespace lectern::server
