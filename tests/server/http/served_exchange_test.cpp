#include "server/http/served_exchange.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "server/http/http_client.h"
#include "server/http/http_server.h"

namespace lectern::server {
namespace {

using testing::ask;
using testing::HttpClient;

// Answers at once, but for "/waits", whose clients are told of when they go.
class Handler : public HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const HttpRequest&) override { return std::nullopt; }
  HttpResponse limited(int status, size_t) override { return {.status = status}; }
  void handle(const std::shared_ptr<HttpExchange>& exchange) override {
    if (exchange->request().path != "/waits") return exchange->respond({.body = "answer"});
    exchange->when_gone([this, exchange] { when_gone(*exchange); });
  }
  void finished(const HttpRequest& request, const HttpRecord& record) override {
    if (request.path != "/waits") return;
    const std::lock_guard lock(mutex_);
    left_ = record;
    was_told_ = told_;
    news_.notify_all();
  }

  // What is recorded of the client that went; whether it had been told.
  std::pair<HttpRecord, bool> left() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return left_.has_value(); });
    return {*left_, was_told_};
  }
  void set_told() {
    const std::lock_guard lock(mutex_);
    told_ = true;
  }
  std::function<void(HttpExchange&)> when_gone;

 private:
  std::mutex mutex_;  // of the following
  std::condition_variable news_;
  bool told_ = false, was_told_ = false;
  std::optional<HttpRecord> left_;
};

// However slow the machine is.
HttpLimits patient() {
  HttpLimits limits;
  limits.idle = limits.head = limits.body = std::chrono::hours(1);
  return limits;
}

TEST(ServedExchange, AClientIsRecordedAsGoneWhenThatWasTold) {
  Handler handler;
  HttpServer server("127.0.0.1", 0, patient(), handler);
  handler.when_gone = [&](HttpExchange&) {
    // The library's thread comes around meanwhile.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(server.port(), "GET", "/").body, "answer");
    handler.set_told();
  };
  {
    const HttpClient client(server.port());
    client.request("GET", "/waits");
  }
  const auto [record, was_told] = handler.left();
  EXPECT_TRUE(record.gone);
  EXPECT_TRUE(was_told);
}

TEST(ServedExchange, AnAnswerToAClientThatWentIsDropped) {
  Handler handler;
  HttpServer server("127.0.0.1", 0, patient(), handler);
  handler.when_gone = [&](HttpExchange& exchange) {
    exchange.respond({.body = "what came of it"});
    EXPECT_EQ(ask(server.port(), "GET", "/").body, "answer");
  };
  HttpClient client(server.port());
  client.request("GET", "/waits");
  client.half_close();
  EXPECT_TRUE(client.ended());
  const HttpRecord record = handler.left().first;
  EXPECT_TRUE(record.gone);
  EXPECT_EQ(record.status, 0);
}

}  // namespace
}  // namespace lectern::server
