#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "server/running_server.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using testing::ask;
using testing::chat_path;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;
using testing::one_page;
using testing::quiet_options;
using testing::RunningServer;

TEST(Server, HasModelsHealthAndMetrics) {
  const RunningServer run;
  EXPECT_EQ(json::parse(run.get("/v1/models/ocr").body)["object"], "model");
  const json models = json::parse(run.get("/v1/models").body)["data"];
  EXPECT_EQ(models[0]["lectern"]["prompts"], json::array({"free"}));
  EXPECT_EQ(models[1]["id"], "lost");
  EXPECT_EQ(run.get("/v1/models/other").status, 404);
  EXPECT_EQ(run.get("/health/live").status, 200);
  EXPECT_EQ(run.get("/health/ready").status, 200);
  EXPECT_EQ(run.get("/health").body, run.get("/health/ready").body);
  const HttpReply metrics = run.get("/metrics");
  EXPECT_THAT(metrics.headers.at("content-type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("lectern_requests_total{route=\"/health/live\",status=\"200\"} 1\n"));
  EXPECT_EQ(run.get("/nothing").status, 404);
  const HttpReply method = ask(run.port, "DELETE", "/v1/models");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "GET");
}

TEST(Server, AsksForAKeyButNotAboutItsHealth) {
  ServerOptions options = quiet_options();
  options.keys = ApiKeys::from_text("secret\n", "keys");
  std::mutex mutex;
  std::string log;
  options.access_log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    log += line + "\n";
  };
  RunningServer run(options);
  for (const char* path : {"/v1/models", "/metrics", "/nothing"}) {
    const HttpReply reply = run.get(path);
    EXPECT_EQ(reply.status, 401) << path;
    EXPECT_EQ(reply.headers.at("www-authenticate"), "Bearer");
  }
  EXPECT_EQ(run.get("/v1/models", "Authorization: Bearer secrets\r\n").status, 401);
  EXPECT_EQ(run.get("/v1/models", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(run.get("/health/ready").status, 200);
  EXPECT_EQ(run.get("/health").status, 200);
  EXPECT_EQ(ask(run.port, "POST", chat_path, one_page()).status, 401) << "its body is taken and dropped";
  run.running.reset();
  EXPECT_THAT(log, Not(HasSubstr("secret")));
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 GET /v1/models 401 "));
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 POST /v1/chat/completions 401 "));
}

TEST(Server, GivesItsPageToWhoHasNoKey) {
  ServerOptions options = quiet_options();
  options.keys = ApiKeys::from_text("secret\n", "keys");
  const RunningServer run(options);
  const HttpReply page = run.get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("cache-control"), "no-cache");
  EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr("<!DOCTYPE html>"));
  const HttpReply script = run.get("/page/main.js");
  EXPECT_EQ(script.headers.at("content-type"), "text/javascript; charset=utf-8");

  HttpClient client(run.port);
  client.request("HEAD", "/page/main.js");
  const HttpReply head = client.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(script.body.size()));
  client.request("GET", "/page/main.js", "", "If-None-Match: " + script.headers.at("etag") + "\r\n");
  EXPECT_EQ(client.head().status, 304) << "and no body of the answer before stands between";
  client.request("GET", "/page/style.css", "", "If-None-Match: " + script.headers.at("etag") + "\r\n");
  EXPECT_EQ(client.reply().status, 200);

  EXPECT_EQ(run.get("/page/nothing.js").status, 404);
  EXPECT_EQ(run.get("/page/%2e%2e/server.cpp").status, 404);
  EXPECT_EQ(ask(run.port, "POST", "/", "x").status, 405);
  EXPECT_EQ(run.get("/", "Host: evil.example\r\n").status, 421) << "no other name shows it";
}

TEST(Server, AnswersToItsOwnNamesAndPages) {
  const RunningServer run;
  EXPECT_EQ(run.get("/v1/models", "Host: evil.example\r\n").status, 421);
  EXPECT_EQ(run.get("/v1/models", "Host: 127.0.0.1:1\r\n").status, 200);
  const std::string own = "Host: localhost:99\r\nOrigin: http://localhost:99\r\n";
  EXPECT_EQ(run.get("/v1/models", own).status, 200);
  EXPECT_EQ(run.get("/v1/models", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(ask(run.port, "POST", chat_path, one_page(), "Origin: null\r\n").status, 403);
}

TEST(Server, NeedsKeysOrLeaveForOthers) {
  ServerOptions options = quiet_options();
  options.host = "0.0.0.0";
  EXPECT_THROW(check_options(options), Error);
  options.allow_anonymous = true;
  check_options(options);
  options.allow_anonymous = false;
  options.keys = ApiKeys::from_text("secret\n", "keys");
  check_options(options);
  options.host = "::1";
  options.keys = {};
  check_options(options);
}

TEST(Server, LetsPagesOfOtherSitesInOnlyWhereThatIsAllowed) {
  const std::string preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
  {
    const RunningServer closed;
    EXPECT_EQ(ask(closed.port, "OPTIONS", chat_path, "", preflight).status, 403);
    EXPECT_FALSE(closed.get("/v1/models").headers.contains("access-control-allow-origin"));
  }
  ServerOptions options = quiet_options();
  options.origins = {"https://app.example"};
  options.keys = ApiKeys::from_text("secret\n", "keys");
  const RunningServer run(options);
  const HttpReply reply = ask(run.port, "OPTIONS", chat_path, "", preflight);
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_THAT(reply.headers.at("access-control-allow-headers"), HasSubstr("Authorization"));
  const std::string key = "Authorization: Bearer secret\r\n";
  const HttpReply models = run.get("/v1/models", "Origin: https://app.example\r\n" + key);
  EXPECT_EQ(models.status, 200);
  EXPECT_EQ(models.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(run.get("/v1/models", "Origin: https://other.example\r\n" + key).status, 403);
  EXPECT_EQ(run.get("/v1/models", "Origin: https://app.example\r\n").status, 401) << "the key is asked for";
}

TEST(Server, DescribesItself) {
  const RunningServer run;
  const json document = json::parse(run.get("/openapi.json").body);
  EXPECT_EQ(document["openapi"], "3.1.0");
  for (const char* path : {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/v1/models",
                           "/v1/models/{id}", "/v1/chat/completions", "/v1/responses"}) {
    EXPECT_TRUE(document["paths"].contains(path)) << path;
  }
}

TEST(Server, FinishesWhatIsReadBeforeItEnds) {
  const RunningServer run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  auto drained = std::async(std::launch::async, [&] { return run.running->drain(std::chrono::minutes(2)); });
  while (run.get("/health/ready").status != 503) std::this_thread::yield();
  EXPECT_EQ(run.get("/health/live").status, 200);
  const HttpReply refused = ask(run.port, "POST", chat_path, one_page());
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  run.model->finish(0, "to the end");
  EXPECT_THAT(client.reply().body, HasSubstr("to the end"));
  EXPECT_TRUE(drained.get());
}

TEST(Server, EndsWhatTakesTooLong) {
  const RunningServer run;
  HttpClient whole(run.port), stream(run.port);
  whole.request("POST", chat_path, one_page());
  stream.request("POST", chat_path, one_page({{"stream", true}}));
  EXPECT_EQ(stream.head().status, 200);
  run.model->wait_for(2);
  EXPECT_FALSE(run.running->drain(std::chrono::milliseconds(0)));
  EXPECT_TRUE(whole.ended());
  EXPECT_TRUE(stream.ended());
  run.model->wait_for_cancel(0);
  run.model->wait_for_cancel(1);
}

TEST(Server, EndsWithPagesInEveryState) {
  for (int i = 0; i < 20; ++i) {
    ServerOptions options = quiet_options();
    options.feed.max_reading = 2;
    const RunningServer run(options);
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int client = 0; client < 6; ++client) {
      clients.push_back(std::make_unique<HttpClient>(run.port));
      clients.back()->request("POST", chat_path, one_page({{"stream", client % 2 == 0}}));
    }
    if (i % 2 == 0) run.model->wait_for(2);
  }
}

}  // namespace
}  // namespace lectern::server
