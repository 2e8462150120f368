// HttpExchange on a connection of libmicrohttpd, for http_server.cpp.
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

// State shared by all exchanges of a server. It outlives their connections.
struct ExchangePlace {
  const HttpLimits limits;
  HttpHandler& handler;
  ClientWatch watch{};
  std::atomic<bool> stopping = false;
  const std::shared_ptr<std::atomic<size_t>> body_bytes = std::make_shared<std::atomic<size_t>>(0);  // of all exchanges
};

int socket_of(MHD_Connection* connection);

// The connection is used on the library's thread only, except for resuming it, and only until complete().
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

  // On the library's thread. False if the body is not a form.
  bool expect_form(std::shared_ptr<HttpForm> form);
  MHD_Result take_body(const char* data, size_t size);
  void refuse(HttpResponse response) { refusal_ = std::move(response); }
  // Whether so long a body of a refused request is not read to its end.
  bool is_beyond_reading(size_t announced_bytes) const;
  MHD_Result answer();
  HttpRecord complete(bool sent);

  // From any thread. Ends the exchange since the server stops.
  void abort();
  // Writes a comment if events are streamed and none was written since the last call.
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

  ExchangePlace& place_;  // valid until complete(); others may keep the exchange longer
  const std::shared_ptr<std::atomic<size_t>> all_bodies_;
  const HttpRequest request_;
  const int socket_;
  std::string body_;
  size_t counted_ = 0;  // bytes of the body that are in all_bodies_
  size_t discarded_ = 0;
  std::shared_ptr<HttpForm> form_;
  std::unique_ptr<MHD_PostProcessor, MHD_Result (*)(MHD_PostProcessor*)> form_reader_{nullptr,
                                                                                      MHD_destroy_post_processor};
  size_t form_bytes_ = 0;
  std::optional<HttpResponse> refusal_;
  bool handled_ = false;

  std::mutex telling_;          // held, without the other, while gone_ is called
  std::mutex mutex_;            // of the following
  MHD_Connection* connection_;  // null after complete()
  bool suspended_ = false;
  std::optional<HttpResponse> response_;
  bool streams_ = false, ended_ = false;
  bool has_events_ = false, is_quiet_ = false;
  std::string pending_;  // of the stream, from pending_begin_ on; the part that was sent is removed when it is larger
  size_t pending_begin_ = 0;
  std::function<void()> gone_;
  bool is_gone_ = false;  // the client hung up
  bool aborted_ = false;  // the library ends the connection when it comes to it
  HttpRecord record_;
  Stopwatch clock_;
};

}  // namespace lectern::server
