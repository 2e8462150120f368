// A request and its answer on a connection of libmicrohttpd's, for http_server.cpp.
#pragma once

#include <microhttpd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/stopwatch.h"
#include "server/http/client_watch.h"
#include "server/http/http.h"
#include "server/http/http_limits.h"

namespace lectern::server {

// What all exchanges of a server share. It outlives their connections.
struct ExchangePlace {
  const HttpLimits limits;
  HttpHandler& handler;
  ClientWatch watch{};
  std::atomic<bool> stopping = false;
  const std::shared_ptr<std::atomic<size_t>> body_bytes = std::make_shared<std::atomic<size_t>>(0);  // of all exchanges
};

int socket_of(MHD_Connection* connection);

// Its connection is used on the library's thread alone, but for resuming it, and only until it is completed.
class ServedExchange final : public HttpExchange, public std::enable_shared_from_this<ServedExchange> {
 public:
  ServedExchange(ExchangePlace& place, MHD_Connection* connection, HttpRequest request);
  ServedExchange(const ServedExchange&) = delete;
  ServedExchange& operator=(const ServedExchange&) = delete;
  ~ServedExchange() override { count_body(0); }

  const HttpRequest& request() const override { return request_; }
  const std::string& body() const override { return body_; }
  void drop_body() override;
  std::shared_ptr<HttpForm> form() const override { return form_; }
  void respond(HttpResponse response) override;
  void begin(HttpResponse head) override;
  void write(std::string_view more) override;
  void end() override;
  void when_gone(std::function<void()> gone) override;

  // On the library's thread. False where the body is no form.
  bool expect_form(std::shared_ptr<HttpForm> form);
  MHD_Result take_body(const char* data, size_t size);
  void refuse(HttpResponse response) { refusal_ = std::move(response); }
  // Whether a body is dropped that is longer than what is read of those that are refused.
  bool is_beyond_reading(size_t announced_bytes) const;
  MHD_Result answer();
  HttpRecord complete(bool sent);

  // From any thread. The server stops:
  void abort();
  // A comment, where events are streamed and none was written since the last call.
  void keep_alive();

 private:
  ssize_t read(char* buffer, size_t size);
  void count_body(size_t bytes);
  void take_form(const char* data, size_t size);
  void end_form();
  void hang_up();
  void tell_of_gone();
  void cut_off();
  void resume();
  MHD_Result queue(const HttpResponse& response, bool stream);

  ExchangePlace& place_;  // until the connection is completed: others may have the exchange longer
  const std::shared_ptr<std::atomic<size_t>> all_bodies_;
  const HttpRequest request_;
  const int socket_;
  std::string body_;
  size_t counted_ = 0;  // of the body, in the sum
  size_t discarded_ = 0;
  std::shared_ptr<HttpForm> form_;
  std::unique_ptr<MHD_PostProcessor, MHD_Result (*)(MHD_PostProcessor*)> form_reader_{nullptr,
                                                                                      MHD_destroy_post_processor};
  size_t form_bytes_ = 0;
  std::optional<HttpResponse> refusal_;
  bool handled_ = false;

  std::mutex telling_;          // held while it is told that the client went, and without the other
  std::mutex mutex_;            // of the following
  MHD_Connection* connection_;  // null when it is completed
  bool suspended_ = false;
  std::optional<HttpResponse> response_;
  bool streams_ = false, ended_ = false;
  bool has_events_ = false, is_quiet_ = false;
  std::string pending_;  // of the stream; what was sent of it goes when it is the larger part
  size_t pending_begin_ = 0;
  std::function<void()> gone_;
  bool is_gone_ = false;  // nobody gets more of the answer
  bool aborted_ = false;  // the connection ends when the library comes to it
  HttpRecord record_;
  Stopwatch clock_;
};

}  // namespace lectern::server
