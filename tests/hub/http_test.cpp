#include "hub/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/stopped.h"
#include "hub/http_server.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

using testing::http_answer;
using testing::HttpServer;
using testing::ServedRequest;

struct Got {
  HttpAnswer answer;
  std::string body;
};

Got get(const std::string& url, const std::vector<std::string>& headers = {}, const std::stop_token& stop = {}) {
  HttpClient client(std::chrono::seconds(10));
  Got got;
  got.answer = client.get(
      url, headers,
      [&](const HttpAnswer&, std::span<const std::byte> block) {
        got.body.append(reinterpret_cast<const char*>(block.data()), block.size());
      },
      stop);
  return got;
}

TEST(Http, GivesStatusHeadersAndBody) {
  const HttpServer server([](const ServedRequest& request) {
    return http_answer("200 OK", "X-Thing:  some text \r\n", request.target + " " + request.header("Range"));
  });
  const Got got = get(server.url() + "/a?b=c", {"Range: bytes=5-"});
  EXPECT_EQ(got.answer.status, 200);
  EXPECT_EQ(got.answer.header("x-thing"), "some text");
  EXPECT_EQ(got.answer.header("x-other"), "");
  EXPECT_EQ(got.answer.redirect, "");
  EXPECT_EQ(got.body, "/a?b=c bytes=5-");
  EXPECT_TRUE(server.requests().at(0).header("User-Agent").starts_with("lectern/"));
}

TEST(Http, LeavesRedirectsAndFailuresToTheCaller) {
  const HttpServer server([](const ServedRequest& request) {
    return request.target == "/moved" ? http_answer("307 Temporary Redirect", "Location: /here\r\n", "moved")
                                      : http_answer("404 Not Found", "", std::string(1 << 20, 'x'));
  });
  const Got moved = get(server.url() + "/moved");
  EXPECT_EQ(moved.answer.status, 307);
  EXPECT_EQ(moved.answer.redirect, server.url() + "/here");
  EXPECT_EQ(moved.body, "");
  const Got missing = get(server.url() + "/missing");
  EXPECT_EQ(missing.answer.status, 404);
  EXPECT_EQ(missing.body, "") << "nor is a megabyte of it taken";
}

TEST(Http, SaysWhatMayGoBetterAnotherTime) {
  const HttpServer server([](const ServedRequest& request) {
    return request.target == "/cut" ? http_answer("200 OK", "", std::string(1000, 'x')).substr(0, 200) : std::string();
  });
  EXPECT_THROW(get(server.url() + "/cut"), TryAgain);
  EXPECT_THROW(get(server.url() + "/nothing"), TryAgain);
  EXPECT_THROW(get("http://127.0.0.1:1/"), TryAgain) << "nobody listens there";
}

TEST(Http, SpeaksHttpAlone) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "not an address"}) {
    EXPECT_THROW(get(url), Error) << url;
    EXPECT_THROW(origin_of(url), Error) << url;
  }
}

TEST(Http, PassesOnWhatTheReceiverThrows) {
  const HttpServer server([](const ServedRequest&) { return http_answer("200 OK", "", "body"); });
  HttpClient client(std::chrono::seconds(10));
  const TakeBody take = [](const HttpAnswer&, std::span<const std::byte>) { throw Error("enough"); };
  EXPECT_THROW(client.get(server.url(), {}, take, {}), Error);
}

TEST(Http, Stops) {
  const HttpServer server([](const ServedRequest&) { return http_answer("200 OK", "", "body"); });
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(get(server.url(), {}, stop.get_token()), Stopped);
}

TEST(Http, ComparesOrigins) {
  EXPECT_EQ(origin_of("https://Host.example/a?b"), "https://host.example:443");
  EXPECT_EQ(origin_of("https://host.example:443/"), origin_of("https://host.example"));
  EXPECT_NE(origin_of("http://host.example/"), origin_of("https://host.example"));
  EXPECT_NE(origin_of("https://host.example:8443/"), origin_of("https://host.example"));
  EXPECT_EQ(origin_of("https://host.example@other.example/"), "https://other.example:443");
}

}  // namespace
}  // namespace lectern::hub
