#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "output/base64.h"
#include "server/fake_model.h"
#include "server/http/http_client.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using testing::ask;
using ::testing::EndsWith;
using testing::FakeModel;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;

json picture_part(const std::string& bytes) {
  return {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64," + base64(bytes)}}}};
}

const json& page_part() {
  static const json part = picture_part(testing::slurp(LECTERN_SAMPLES "/hello.png"));
  return part;
}

std::string chat_body(const json& content, const json& more = json::object()) {
  json body = {{"messages", {{{"role", "user"}, {"content", content}}}}};
  body.update(more);
  return body.dump();
}

std::string one_page(const json& more = json::object()) { return chat_body(json::array({page_part()}), more); }

constexpr const char* chat_path = "/v1/chat/completions";

ServerOptions quiet_options() {
  ServerOptions options;
  options.port = 0;
  options.http.connections_per_address = 0;
  // However slow the machine is.
  options.http.idle = options.http.head = options.http.body = std::chrono::hours(1);
  return options;
}

struct Running {
  explicit Running(ServerOptions options = quiet_options()) {
    auto shelf = std::make_unique<ModelShelf>(std::vector<ModelSource>{
        {.name = "ocr",
         .modes = {"auto", "native"},
         .prompts = {"free"},
         .load =
             [this] {
               auto made = std::make_unique<FakeModel>();
               model = made.get();
               return made;
             }},
        {.name = "lost", .modes = {}, .prompts = {}, .load = []() -> std::unique_ptr<ServedModel> {
           throw Error("/secret/place: lost");
         }}});
    shelf->load(shelf->sources().front());
    server = std::make_unique<Server>(std::move(options), std::move(shelf));
    const std::string url = server->url();
    port = std::stoi(url.substr(url.rfind(':') + 1));
  }

  HttpReply get(const std::string& path, const std::string& headers = "") const {
    return ask(port, "GET", path, "", headers);
  }
  // The value of a line of /metrics; empty where it lacks.
  std::string metric(const std::string& name) const {
    const std::string text = "\n" + get("/metrics").body;
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const size_t value = at + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  void wait_for_metric(const std::string& name, const std::string& value) const {
    while (metric(name) != value) std::this_thread::yield();
  }

  FakeModel* model = nullptr;
  std::unique_ptr<Server> server;
  int port = 0;
};

json error_of(const HttpReply& reply) { return json::parse(reply.body).at("error"); }

TEST(Server, AnswersWhole) {
  const Running run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"model", "ocr"}, {"max_tokens", 9}}));
  run.model->wait_for(1);
  EXPECT_EQ(run.model->options_of(0).max_tokens, 9);
  run.model->finish(0, "a page\n");
  const HttpReply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(reply.headers.at("x-request-id").size(), 32u);
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "a page\n");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["model"], "ocr");
  EXPECT_EQ(answer["usage"]["total_tokens"], 17);
  // The connection goes on.
  client.request("GET", "/v1/models");
  EXPECT_EQ(json::parse(client.reply().body)["data"][0]["id"], "ocr");
}

TEST(Server, StreamsTextWhileItIsRead) {
  const Running run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  const HttpReply head = client.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"role\":\"assistant\""));
  run.model->wait_for(1);
  EXPECT_FALSE(run.model->options_of(0).retry);
  for (const char* text : {"first ", "second"}) {
    run.model->write(0, text);
    EXPECT_THAT(client.until("\n\n"), HasSubstr("\"content\":\"" + std::string(text) + "\"")) << "before the page ends";
  }
  run.model->finish(0, "first second, the rest");
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"content\":\", the rest\""));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"finish_reason\":\"stop\""));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("\"total_tokens\":32"));
  EXPECT_THAT(client.until("\n\n"), HasSubstr("data: [DONE]"));
  EXPECT_EQ(client.until("0\r\n\r\n"), "\r\n0\r\n\r\n");
}

TEST(Server, KeepsManyStreamsOpenWithThreeThreads) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1000;
  const Running run(options);
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

TEST(Server, PartsThePagesOfOneRequestInTheirOrder) {
  const Running run;
  for (const bool stream : {false, true}) {
    HttpClient client(run.port);
    client.request("POST", chat_path, chat_body({page_part(), page_part()}, {{"stream", stream}}));
    const size_t first = stream ? 2 : 0;
    run.model->wait_for(first + 2);
    // Which of them was decoded first does not matter.
    for (size_t i = 2; i-- > 0;) {
      const bool is_first = run.model->name_of(first + i) == "messages[0].content[0].image_url";
      run.model->finish(first + i, is_first ? "one" : "two");
    }
    if (!stream) {
      EXPECT_EQ(json::parse(client.reply().body)["choices"][0]["message"]["content"],
                "one\n\n<--- Page Split --->\ntwo");
      continue;
    }
    std::string text;
    for (;;) {
      const std::string event = client.until("\n\n");
      const size_t data = event.find("data: ") + 6;
      if (event.compare(data, 6, "[DONE]") == 0) break;
      const json delta = json::parse(event.substr(data))["choices"][0]["delta"];
      text += delta.value("content", "");
    }
    EXPECT_EQ(text, "one\n\n<--- Page Split --->\ntwo");
  }
}

TEST(Server, FreesThePlaceOfAClientThatGoes) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1;
  const Running run(options);
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

TEST(Server, TurnsRequestsAwayWhenTheQueueIsFull) {
  ServerOptions options = quiet_options();
  options.feed.max_reading = 1;
  options.feed.max_waiting = 1;
  const Running run(options);
  HttpClient reading(run.port), waiting(run.port);
  reading.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  waiting.request("POST", chat_path, one_page());
  run.wait_for_metric("lectern_pages_waiting", "1");
  const HttpReply reply = ask(run.port, "POST", chat_path, one_page());
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("retry-after"), "5");
  EXPECT_EQ(error_of(reply)["type"], "rate_limit_error");
  run.model->finish(0, "text");
  EXPECT_EQ(reading.reply().status, 200);
  run.model->wait_for(2);
  run.model->finish(1, "text");
  EXPECT_EQ(waiting.reply().status, 200);
}

TEST(Server, SaysWhatIsWrongWithAPicture) {
  const Running run;
  for (const bool stream : {false, true}) {
    const HttpReply reply =
        ask(run.port, "POST", chat_path, chat_body(json::array({picture_part("no picture")}), {{"stream", stream}}));
    EXPECT_EQ(reply.status, 415);
    EXPECT_THAT(error_of(reply)["message"], HasSubstr("messages[0].content[0].image_url: not a picture"));
  }
  // One of two pages: the other is ended.
  HttpClient client(run.port);
  client.request("POST", chat_path, chat_body({page_part(), picture_part("\x89PNG\r\n\x1A\n broken")}));
  EXPECT_EQ(client.reply().status, 422);
  run.wait_for_metric("lectern_pages_reading", "0");
}

TEST(Server, TellsOfAPageThatFails) {
  const Running run;
  HttpClient whole(run.port);
  whole.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  run.model->fail(0, "the page failed");
  const HttpReply reply = whole.reply();
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(error_of(reply)["message"], "the page failed");
  HttpClient stream(run.port);
  stream.request("POST", chat_path, one_page({{"stream", true}}));
  run.model->wait_for(2);
  run.model->write(1, "some");
  EXPECT_NE(stream.until("some"), "");
  run.model->fail(1, "it failed later");
  EXPECT_THAT(stream.until("0\r\n\r\n"), HasSubstr("\"message\":\"it failed later\""));
}

TEST(Server, RefusesWhatTheModelCannotServe) {
  const Running run;
  const HttpReply mode = ask(run.port, "POST", chat_path, one_page({{"lectern", {{"mode", "gundam"}}}}));
  EXPECT_EQ(mode.status, 400);
  EXPECT_EQ(error_of(mode)["message"], "ocr: does not know mode gundam");
  const HttpReply model = ask(run.port, "POST", chat_path, R"({"model": "gpt"})");
  EXPECT_EQ(model.status, 404);
  EXPECT_EQ(error_of(model)["code"], "model_not_found");
  EXPECT_EQ(ask(run.port, "POST", chat_path, "{").status, 400);
  EXPECT_EQ(ask(run.port, "POST", chat_path, "").status, 400);
}

TEST(Server, HasModelsHealthAndMetrics) {
  const Running run;
  EXPECT_EQ(json::parse(run.get("/v1/models/ocr").body)["object"], "model");
  const json models = json::parse(run.get("/v1/models").body)["data"];
  EXPECT_EQ(models[0]["lectern"]["prompts"], json::array({"free"}));
  EXPECT_EQ(models[1]["id"], "lost");
  EXPECT_EQ(run.get("/v1/models/other").status, 404);
  EXPECT_EQ(run.get("/health/live").status, 200);
  EXPECT_EQ(run.get("/health/ready").status, 200);
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
  Running run(options);
  for (const char* path : {"/v1/models", "/metrics", "/nothing"}) {
    const HttpReply reply = run.get(path);
    EXPECT_EQ(reply.status, 401) << path;
    EXPECT_EQ(reply.headers.at("www-authenticate"), "Bearer");
  }
  EXPECT_EQ(run.get("/v1/models", "Authorization: Bearer secrets\r\n").status, 401);
  EXPECT_EQ(run.get("/v1/models", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(run.get("/health/ready").status, 200);
  EXPECT_EQ(ask(run.port, "POST", chat_path, one_page()).status, 401) << "its body is taken and dropped";
  run.server.reset();
  EXPECT_THAT(log, Not(HasSubstr("secret")));
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 GET /v1/models 401 "));
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 POST /v1/chat/completions 401 "));
}

TEST(Server, GivesItsPageToWhoHasNoKey) {
  ServerOptions options = quiet_options();
  options.keys = ApiKeys::from_text("secret\n", "keys");
  const Running run(options);
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
  const Running run;
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

TEST(Server, BoundsBodies) {
  ServerOptions options = quiet_options();
  options.http.body_bytes = 10'000;
  const Running run(options);
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

TEST(Server, BoundsAllBodiesTogether) {
  ServerOptions options = quiet_options();
  options.http.all_bodies_bytes = 1000;
  const Running run(options);
  HttpClient first(run.port);
  first.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" +
             std::string(900, ' '));
  // It is known when the other gets no room any more.
  while (ask(run.port, "POST", chat_path, std::string(200, ' ')).status != 503) std::this_thread::yield();
  first.close();
  while (ask(run.port, "POST", chat_path, std::string(200, ' ')).status != 400) std::this_thread::yield();
}

TEST(Server, BoundsHeadersAndAddresses) {
  const Running run;
  const HttpReply header = run.get("/v1/models", "X-Long: " + std::string(200'000, 'x') + "\r\n");
  EXPECT_TRUE(header.status == 431 || header.status == 413 || header.status == 0) << header.status;
  const HttpReply address = run.get("/" + std::string(200'000, 'x'));
  EXPECT_TRUE(address.status == 414 || address.status == 431 || address.status == 0) << address.status;
  HttpClient nonsense(run.port);
  nonsense.send("\x16\x03\x01 no HTTP at all\r\n\r\n");
  EXPECT_TRUE(nonsense.ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(Server, EndsConnectionsThatAreTooSlow) {
  ServerOptions options = quiet_options();
  options.http.head = std::chrono::seconds(1);
  options.http.body = std::chrono::seconds(1);
  const Running run(options);
  HttpClient head(run.port), body(run.port), silent(run.port);
  head.send("GET /v1/models HTTP/1.1\r\nHost: loc");
  body.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{");
  EXPECT_TRUE(head.ended());
  EXPECT_TRUE(body.ended());
  EXPECT_TRUE(silent.ended());
}

TEST(Server, BoundsTheConnectionsOfOneAddress) {
  ServerOptions options = quiet_options();
  options.http.connections_per_address = 2;
  const Running run(options);
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

TEST(Server, AnswersResponses) {
  const Running run;
  const json input = {
      {{"role", "user"},
       {"content", json::array({{{"type", "input_image"}, {"image_url", page_part()["image_url"]["url"]}}})}}};
  HttpClient whole(run.port);
  whole.request("POST", "/v1/responses", json({{"input", input}, {"max_output_tokens", 9}}).dump());
  run.model->wait_for(1);
  EXPECT_EQ(run.model->options_of(0).max_tokens, 9);
  run.model->finish(0, "a page");
  const json answer = json::parse(whole.reply().body);
  EXPECT_EQ(answer["object"], "response");
  EXPECT_EQ(answer["model"], "ocr");
  EXPECT_EQ(answer["output"][0]["content"][0]["text"], "a page");
  HttpClient stream(run.port);
  stream.request("POST", "/v1/responses", json({{"input", input}, {"stream", true}}).dump());
  EXPECT_THAT(stream.until("content_part.added"), HasSubstr("event: response.created\ndata: {"));
  run.model->wait_for(2);
  run.model->write(1, "some");
  EXPECT_THAT(stream.until("\"some\""), HasSubstr("response.output_text.delta"));
  run.model->finish(1, "some");
  EXPECT_NE(stream.until("event: response.completed"), "");
}

TEST(Server, LeavesSpecialTokensOutWhereThatIsAsked) {
  const Running run;
  HttpClient whole(run.port), stream(run.port);
  whole.request("POST", chat_path, one_page({{"skip_special_tokens", true}}));
  run.model->wait_for(1);
  run.model->finish(0, "<|ref|>title<|/ref|><|det|>[[1]]<|/det|>");
  EXPECT_EQ(json::parse(whole.reply().body)["choices"][0]["message"]["content"], "title[[1]]");
  stream.request("POST", chat_path, one_page({{"skip_special_tokens", true}, {"stream", true}}));
  run.model->wait_for(2);
  run.model->write(1, "<|re");
  run.model->write(1, "f|>title");
  EXPECT_THAT(stream.until("\"title\""), Not(HasSubstr("<|")));
  run.model->finish(1, "<|ref|>title");
  EXPECT_NE(stream.until("[DONE]"), "");
}

TEST(Server, SaysThatAModelCannotBeLoaded) {
  const Running run;
  const HttpReply reply = ask(run.port, "POST", chat_path, one_page({{"model", "lost"}}));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(error_of(reply)["code"], "model_not_loaded");
  EXPECT_TRUE(reply.headers.contains("retry-after"));
  EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
}

TEST(Server, FetchesPicturesOnlyWhereThatIsAllowed) {
  ServerOptions options = quiet_options();
  options.fetch.hosts = {"pictures.example"};
  options.fetch.resolve = {"pictures.example:80:127.0.0.1"};
  const Running run(options);
  const auto page_at = [](const std::string& url) {
    return chat_body(json::array({{{"type", "image_url"}, {"image_url", {{"url", url}}}}}));
  };
  const HttpReply other = ask(run.port, "POST", chat_path, page_at("http://other.example/page.png"));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(error_of(other)["code"], "forbidden_url");
  const HttpReply inside = ask(run.port, "POST", chat_path, page_at("http://pictures.example/page.png"));
  EXPECT_EQ(inside.status, 400);
  EXPECT_EQ(error_of(inside)["param"], "messages[0].content[0].image_url");
  EXPECT_THAT(error_of(inside)["message"], HasSubstr("not public"));
}

TEST(Server, LetsPagesOfOtherSitesInOnlyWhereThatIsAllowed) {
  const std::string preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
  {
    const Running closed;
    EXPECT_EQ(ask(closed.port, "OPTIONS", chat_path, "", preflight).status, 403);
    EXPECT_FALSE(closed.get("/v1/models").headers.contains("access-control-allow-origin"));
  }
  ServerOptions options = quiet_options();
  options.origins = {"https://app.example"};
  options.keys = ApiKeys::from_text("secret\n", "keys");
  const Running run(options);
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

TEST(Server, KeepsStreamsAliveInWhichNothingHappens) {
  ServerOptions options = quiet_options();
  options.http.keep_alive = std::chrono::milliseconds(5);
  const Running run(options);
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page({{"stream", true}}));
  for (int i = 0; i < 3; ++i) EXPECT_NE(client.until(": \n\n"), "");
  run.model->wait_for(1);
  run.model->finish(0, "text");
  EXPECT_NE(client.until("[DONE]"), "");
}

TEST(Server, DescribesItself) {
  const Running run;
  const json document = json::parse(run.get("/openapi.json").body);
  EXPECT_EQ(document["openapi"], "3.1.0");
  for (const char* path : {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/v1/models",
                           "/v1/models/{id}", "/v1/chat/completions", "/v1/responses"}) {
    EXPECT_TRUE(document["paths"].contains(path)) << path;
  }
}

TEST(Server, EndsAHeaderWithoutEnd) {
  const Running run;
  HttpClient line(run.port), lines(run.port);
  line.send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Long: ");
  for (int i = 0; i < 300; ++i) line.send(std::string(1000, 'x'));
  EXPECT_TRUE(line.ended());
  lines.send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 30'000; ++i) lines.send("X-More: 12\r\n");
  EXPECT_TRUE(lines.ended());
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(Server, TakesAHalfClosedConnectionForAClientThatWent) {
  const Running run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  client.half_close();
  run.model->wait_for_cancel(0);
  EXPECT_EQ(run.get("/health/live").status, 200);
}

TEST(Server, DoesNotBelieveWhatClientsSayOfTheirAddress) {
  ServerOptions options = quiet_options();
  std::mutex mutex;
  std::string log;
  options.access_log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    log += line;
  };
  Running run(options);
  run.get("/v1/models", "REMOTE_ADDR: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.7\r\n");
  run.server.reset();
  EXPECT_THAT(log, HasSubstr(" 127.0.0.1 GET "));
  EXPECT_THAT(log, Not(HasSubstr("192.0.2.7")));
}

// What is a request but for a few bytes is refused or read, and the server goes on.
TEST(Server, StandsMutatedRequests) {
  ServerOptions options = quiet_options();
  options.feed.max_pixels = 1'000'000;
  std::vector<HttpClient> waiting;  // whose heads may promise more than they sent: no answer has to come before the end
  auto run = std::make_unique<const Running>(options);
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

TEST(Server, FinishesWhatIsReadBeforeItEnds) {
  const Running run;
  HttpClient client(run.port);
  client.request("POST", chat_path, one_page());
  run.model->wait_for(1);
  auto drained = std::async(std::launch::async, [&] { return run.server->drain(std::chrono::minutes(2)); });
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
  const Running run;
  HttpClient whole(run.port), stream(run.port);
  whole.request("POST", chat_path, one_page());
  stream.request("POST", chat_path, one_page({{"stream", true}}));
  EXPECT_EQ(stream.head().status, 200);
  run.model->wait_for(2);
  EXPECT_FALSE(run.server->drain(std::chrono::milliseconds(0)));
  EXPECT_TRUE(whole.ended());
  EXPECT_TRUE(stream.ended());
  run.model->wait_for_cancel(0);
  run.model->wait_for_cancel(1);
}

TEST(Server, EndsWithPagesInEveryState) {
  for (int i = 0; i < 20; ++i) {
    ServerOptions options = quiet_options();
    options.feed.max_reading = 2;
    const Running run(options);
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
