#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/running_server.h"

namespace lectern::server {
namespace {

using testing::ask;
using testing::chat_path;
using testing::error_of;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;
using testing::one_page;
using testing::quiet_options;
using testing::RunningServer;

TEST(HttpServer, KeepsManyStreamsOpenWithThreeThreads) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1000;
  const RunningServer run(options);
  constexpr size_t count = 200;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<HttpClient>(run.port));
    clients.back()->request("POST", chat_path, one_page({{"stream", true}}));
  }
  run.model->wait_for(count);
  for (const auto& client : clients) EXPECT_EQ(client->head().status, 200);
  EXPECT_EQ(run.metric("lectern_pages_reading"), "200");
  for (size_t i = 0; i < count; ++i) run.model->finish(i, "text");
  for (const auto& client : clients) EXPECT_THAT(client->until("[DONE]\n\n"), HasSubstr("\"content\":\"text\""));
}

TEST(HttpServer, FreesThePlaceOfAClientThatGoes) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1;
  const RunningServer run(options);
  HttpClient reading(run.port), streaming(run.port), waiting(run.port);
  reading.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  waiting.request("POST", chat_path, one_page());
  run.wait_for_metric("lectern_pages_waiting", "1");
  waiting.close();
  run.wait_for_metric("lectern_pages_waiting", "0");
  reading.close();
  run.model->wait_for_cancel(0);
  streaming.request("POST", chat_path, one_page({{"stream", true}}));
  run.model->wait_for(2);
  run.model->write(1, "some");
  EXPECT_NE(streaming.until("some"), "");
  streaming.close();
  run.model->wait_for_cancel(1);
  run.wait_for_metric("lectern_pages_reading", "0");
  run.wait_for_metric("lectern_requests_total{route=\"/v1/chat/completions\",status=\"499\"}", "2");
}

TEST(HttpServer, TakesAHalfClosedConnectionForAClientThatWent) {
  const RunningServer run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  client.half_close();
  run.model->wait_for_cancel(0);
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(HttpServer, EndsARequestThatIsHalfClosedWithinIt) {
  const RunningServer run;  // its own times are an hour each
  HttpClient head(run.port), body(run.port), form(run.port), silent(run.port);
  head.send("GET /v1/models HTTP/1.1\r\nHost: loc");
  body.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{");
  form.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nx");
  for (HttpClient* client : {&head, &body, &form, &silent}) client->half_close();
  for (HttpClient* client : {&head, &body, &form, &silent}) EXPECT_TRUE(client->ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(HttpServer, AnswersWhoSendsNoMoreWhereTheAnswerIsThere) {
  const RunningServer run;
  for (int i = 0; i < 50; ++i) {
    HttpClient client(run.port);
    client.request("GET", "/openapi.json");
    client.half_close();
    const HttpReply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(std::to_string(reply.body.size()), reply.headers.at("content-length"));
  }
}

TEST(HttpServer, CutsOffAClientThatIsSlowerThanItsStream) {
  ServerOptions options = quiet_options();
  options.http.unsent_bytes = 100'000;
  const RunningServer run(options);
  HttpClient slow(run.port, 4096), fast(run.port);
  for (HttpClient* client : {&slow, &fast}) client->request("POST", chat_path, one_page({{"stream", true}}));
  run.model->wait_for(2);
  EXPECT_EQ(slow.head().status, 200);
  EXPECT_EQ(fast.head().status, 200);
  // The system keeps some megabytes for a connection; which page is whose does not matter.
  const std::string piece(50'000, 'x');
  do {
    for (const size_t page : {0, 1}) run.model->write(page, piece);
    fast.until(piece);
  } while (run.metric("lectern_pages_reading") != "1");
  for (const size_t page : {0, 1}) run.model->finish(page, "");
  EXPECT_NE(fast.until("[DONE]"), "");
  EXPECT_TRUE(slow.ended());
}

TEST(HttpServer, BoundsBodies) {
  ServerOptions options = quiet_options();
  options.http.body_bytes = 10'000;
  const RunningServer run(options);
  const HttpReply announced = ask(run.port, "POST", chat_path, std::string(20'000, ' '));
  EXPECT_EQ(announced.status, 413);
  EXPECT_EQ(error_of(announced)["code"], "body_too_large");
  HttpClient waiting(run.port);  // for leave to send it
  waiting.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(waiting.reply().status, 413);
  HttpClient chunked(run.port);
  chunked.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunked.send("3e8\r\n" + std::string(1000, ' ') + "\r\n");
  chunked.send("0\r\n\r\n");
  EXPECT_EQ(chunked.reply().status, 413);
  HttpClient endless(run.port);
  endless.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100; ++i) endless.send("3e8\r\n" + std::string(1000, ' ') + "\r\n");
  EXPECT_TRUE(endless.ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(HttpServer, BoundsAllBodiesTogether) {
  ServerOptions options = quiet_options();
  options.http.all_bodies_bytes = 1000;
  const RunningServer run(options);
  HttpClient first(run.port);
  first.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" +
             std::string(900, ' '));
  // It is known when the other gets no room any more.
  while (ask(run.port, "POST", chat_path, std::string(200, ' ')).status != 503) std::this_thread::yield();
  first.close();
  while (ask(run.port, "POST", chat_path, std::string(200, ' ')).status != 400) std::this_thread::yield();
}

TEST(HttpServer, BoundsHeadersAndAddresses) {
  const RunningServer run;
  const HttpReply header = run.get("/v1/models", "X-Long: " + std::string(200'000, 'x') + "\r\n");
  EXPECT_TRUE(header.status == 431 || header.status == 413 || header.status == 0) << header.status;
  const HttpReply address = run.get("/" + std::string(200'000, 'x'));
  EXPECT_TRUE(address.status == 414 || address.status == 431 || address.status == 0) << address.status;
  HttpClient nonsense(run.port);
  nonsense.send("\x16\x03\x01 no HTTP at all\r\n\r\n");
  EXPECT_TRUE(nonsense.ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(HttpServer, EndsAHeaderWithoutEnd) {
  const RunningServer run;
  HttpClient line(run.port), lines(run.port);
  line.send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Long: ");
  for (int i = 0; i < 300; ++i) line.send(std::string(1000, 'x'));
  EXPECT_TRUE(line.ended());
  lines.send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 30'000; ++i) lines.send("X-More: 12\r\n");
  EXPECT_TRUE(lines.ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

// What a proxy and this server could part in two ways.
TEST(HttpServer, RefusesHeadsThatCanBeReadInTwoWays) {
  const RunningServer run;
  const std::string hidden = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const std::string head : {"Host: localhost\r\nContent-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
                                 "Host: localhost\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                                 "Host: localhost\r\nHost: example.org\r\nContent-Length: 2\r\n\r\n{}"}) {
    HttpClient client(run.port);
    client.send("POST /v1/chat/completions HTTP/1.1\r\n" + head + hidden);
    const HttpReply reply = client.reply();
    EXPECT_EQ(reply.status, 400) << head;
    EXPECT_THAT(reply.body, ::testing::HasSubstr("ambiguous_head")) << head;
    EXPECT_EQ(client.reply().status, 0) << "what follows is no request";
  }
}

TEST(HttpServer, EndsConnectionsThatAreTooSlow) {
  ServerOptions options = quiet_options();
  options.http.head = std::chrono::seconds(1);
  options.http.body = std::chrono::seconds(1);
  const RunningServer run(options);
  HttpClient head(run.port), body(run.port), silent(run.port);
  head.send("GET /v1/models HTTP/1.1\r\nHost: loc");
  body.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{");
  EXPECT_TRUE(head.ended());
  EXPECT_TRUE(body.ended());
  EXPECT_TRUE(silent.ended());
}

TEST(HttpServer, BoundsTheConnectionsOfOneAddress) {
  ServerOptions options = quiet_options();
  options.http.connections_per_address = 2;
  const RunningServer run(options);
  HttpClient first(run.port), second(run.port);
  for (HttpClient* client : {&first, &second}) {
    client->request("GET", "/health/live");
    EXPECT_EQ(client->reply().status, 200);
  }
  HttpClient third(run.port);
  EXPECT_TRUE(third.ended());
  first.close();
  while (ask(run.port, "GET", "/health/live").status != 200) std::this_thread::yield();
}

TEST(HttpServer, KeepsStreamsAliveInWhichNothingHappens) {
  ServerOptions options = quiet_options();
  options.http.keep_alive = std::chrono::milliseconds(5);
  const RunningServer run(options);
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"stream", true}}));
  for (int i = 0; i < 3; ++i) EXPECT_NE(client.until(": \n\n"), "");
  run.model->wait_for(1);
  run.model->finish(0, "text");
  EXPECT_NE(client.until("[DONE]"), "");
}

TEST(HttpServer, DoesNotBelieveWhatClientsSayOfTheirAddress) {
  ServerOptions options = quiet_options();
  std::mutex mutex;
  std::string log;
  options.access_log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    log += line;
  };
  RunningServer run(options);
  run.get("/v1/models", "REMOTE_ADDR: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.7\r\n");
  run.running.reset();
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 GET "));
  EXPECT_THAT(log, Not(HasSubstr("192.0.2.7")));
}

// What is a request but for a few bytes is refused or read, and the server goes on.
TEST(HttpServer, StandsMutatedRequests) {
  ServerOptions options = quiet_options();
  options.feed.max_pixels = 1'000'000;
  std::vector<HttpClient> waiting;  // whose heads may promise more than they sent: no answer has to come before the end
  auto run = std::make_unique<const RunningServer>(options);
  std::mt19937 random(12);
  const auto pick = [&](size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random); };
  const std::string body = one_page({{"model", "lost"}, {"stream", false}});
  const std::string text =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = i % 3 == 0 ? text : text.substr(0, text.size() - body.size());
    std::string changed = i % 3 == 0 ? "" : body;
    std::string& victim = i % 3 == 0 ? bytes : changed;
    for (size_t count = 1 + pick(8); count-- > 0;) {
      const size_t at = pick(i % 3 == 0 ? 120 : victim.size());
      if (i % 3 == 2) {
        victim.erase(at, 1);
        victim.push_back(' ');
      } else {
        victim[at] = static_cast<char>(pick(256));
      }
    }
    HttpClient client(run->port);
    client.send(bytes + changed);
    if (i % 3 == 0) {
      waiting.push_back(std::move(client));
      continue;
    }
    const int status = client.head().status;
    EXPECT_TRUE(status >= 400 && status < 600) << status;
  }
  EXPECT_EQ(run->get("/health/live").status, 200);
  run.reset();  // closes them all
  for (HttpClient& client : waiting) {
    const int status = client.head().status;
    EXPECT_TRUE(status == 0 || (status >= 400 && status < 600)) << status;
  }
}

}  // namespace
}  // namespace lectern::server
