#include "server/openai/url_fetcher.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <condition_variable>
#include <mutex>
#include <string>

#include "hub/http_server.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;
using testing::http_answer;
using testing::ServedRequest;

// 127.0.0.1 stands for the open internet, all else for the networks behind the server.
bool is_first_loopback(const sockaddr& address) {
  return address.sa_family == AF_INET &&
         ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) == INADDR_LOOPBACK;
}

struct Internet {
  explicit Internet(testing::HttpServer::Answer answer) : server(std::move(answer)) {
    port = server.url().substr(server.url().rfind(':'));
    limits.hosts = {"Pictures.example", "rebound.example", "127.0.0.1", "127.0.0.2"};
    limits.may_connect = is_first_loopback;
    limits.resolve = {"pictures.example" + port + ":127.0.0.1", "rebound.example" + port + ":127.0.0.2",
                      "other.example" + port + ":127.0.0.1"};
  }

  std::string url(const std::string& path, const std::string& host = "pictures.example") const {
    return "http://" + host + port + path;
  }
  std::string get(const std::string& url) const { return UrlFetcher(limits).get(url, "image_url", {}); }
  ApiError refusal(const std::string& url) const {
    try {
      get(url);
    } catch (const ApiError& error) {
      return error;
    }
    return {0, "it was fetched"};
  }

  testing::HttpServer server;
  std::string port;
  FetchLimits limits;
};

TEST(UrlFetcher, GetsFromHostsThatAreAllowed) {
  const Internet net([](const ServedRequest& request) {
    return request.target == "/moved" ? http_answer("302 Found", "Location: /page.png\r\n", "")
                                      : http_answer("200 OK", "", "page of " + request.target);
  });
  EXPECT_EQ(net.get(net.url("/page.png?size=2")), "page of /page.png?size=2");
  EXPECT_EQ(net.get(net.url("/page.png", "PICTURES.EXAMPLE")), "page of /page.png");
  EXPECT_EQ(net.get(net.url("/moved")), "page of /page.png");
}

TEST(UrlFetcher, RefusesOtherHosts) {
  const Internet net([](const ServedRequest&) { return http_answer("200 OK", "", "page"); });
  for (const std::string& url :
       {net.url("/", "other.example"), net.url("/", "pictures.example.evil"), net.url("/", "localhost")}) {
    EXPECT_EQ(net.refusal(url).name, "forbidden_url") << url;
    EXPECT_EQ(net.refusal(url).param, "image_url");
  }
  for (const std::string& url :
       {std::string("file:///etc/passwd"), std::string("ftp://pictures.example/"), std::string("page.png"),
        std::string(), net.url("/", "pictures.example@other.example"), net.url("/", "a:b@pictures.example"),
        net.url("/\r\nHost: other"), net.url("/" + std::string(10'000, 'x'))}) {
    EXPECT_EQ(net.refusal(url).name, "invalid_url") << url;
  }
  EXPECT_TRUE(net.server.requests().empty());
}

TEST(UrlFetcher, RefusesAddressesThatAreNotPublic) {
  const Internet net([](const ServedRequest&) { return http_answer("200 OK", "", "secret"); });
  for (const char* host : {"rebound.example", "127.0.0.2"}) {
    const ApiError error = net.refusal(net.url("/", host));
    EXPECT_EQ(error.status, 400);
    EXPECT_THAT(error.what(), HasSubstr("not public")) << host;
  }
  // As it is without a test's own rules.
  FetchLimits limits = net.limits;
  limits.may_connect = is_public_address;
  EXPECT_THROW(UrlFetcher(limits).get(net.url("/"), "image_url", {}), ApiError);
  EXPECT_TRUE(net.server.requests().empty());
}

TEST(UrlFetcher, ChecksEveryRedirect) {
  std::string port;
  const Internet net([&](const ServedRequest& request) {
    const std::string to = request.target == "/other"  ? "http://other.example" + port + "/"
                           : request.target == "/file" ? "file:///etc/passwd"
                           : request.target == "/back" ? "http://rebound.example" + port + "/"
                                                       : "/again";
    return http_answer("302 Found", "Location: " + to + "\r\n", "");
  });
  port = net.port;
  EXPECT_EQ(net.refusal(net.url("/other")).name, "forbidden_url");
  EXPECT_NE(net.refusal(net.url("/file")).status, 0);
  EXPECT_THAT(net.refusal(net.url("/back")).what(), HasSubstr("not public"));
  EXPECT_THAT(net.refusal(net.url("/loop")).what(), HasSubstr("redirected more than"));
}

TEST(UrlFetcher, BoundsSizeAndTime) {
  Internet net([](const ServedRequest& request) {
    if (request.target == "/large") return http_answer("200 OK", "", std::string(2000, 'x'));
    if (request.target == "/missing") return http_answer("404 Not Found", "", "");
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");  // and no more
  });
  net.limits.max_bytes = 1000;
  net.limits.total = std::chrono::seconds(1);
  EXPECT_EQ(net.refusal(net.url("/large")).name, "url_too_large");
  EXPECT_THAT(net.refusal(net.url("/missing")).what(), HasSubstr("answered with 404"));
  EXPECT_EQ(net.refusal(net.url("/stalls")).name, "url_not_fetched");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(UrlFetcher(net.limits).get(net.url("/large"), "image_url", stop.get_token()), ApiError);
}

TEST(UrlFetcher, BoundsWhatWaits) {
  FetchLimits limits;
  limits.hosts = {"pictures.example"};
  limits.threads = 1;
  limits.max_waiting = 1;
  std::mutex mutex;
  std::condition_variable news;
  bool begun = false, may_end = false;
  UrlFetcher fetcher(limits);
  EXPECT_TRUE(fetcher.run([&] {
    std::unique_lock lock(mutex);
    begun = true;
    news.notify_all();
    news.wait(lock, [&] { return may_end; });
  }));
  {
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return begun; });
  }
  EXPECT_TRUE(fetcher.run([] {}));
  EXPECT_FALSE(fetcher.run([] {}));
  {
    const std::lock_guard lock(mutex);
    may_end = true;
  }
  news.notify_all();
  fetcher.stop();
  EXPECT_FALSE(fetcher.run([] {}));
  EXPECT_FALSE(UrlFetcher({}).is_used());
}

}  // namespace
}  // namespace lectern::server
