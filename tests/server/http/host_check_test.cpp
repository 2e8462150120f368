#include "server/http/host_check.h"

#include <gtest/gtest.h>

namespace lectern::server {
namespace {

TEST(HostCheck, ReadsHostAndPort) {
  EXPECT_EQ(parse_host("Example.ORG:8080").host, "example.org");
  EXPECT_EQ(parse_host("example.org:8080").port, "8080");
  EXPECT_EQ(parse_host("[::1]:80").host, "::1");
  EXPECT_EQ(parse_host("[::1]:80").port, "80");
  EXPECT_EQ(parse_host("[FE80::1]").host, "fe80::1");
  for (const char* wrong : {"", "[::1", "[::1]80", "[example.org]", "a b", "a/b", "a@b", "a:b", "a:123456", "a:1:2"}) {
    EXPECT_EQ(parse_host(wrong).host, "") << wrong;
  }
}

TEST(HostCheck, KnowsThisMachine) {
  EXPECT_TRUE(is_loopback("localhost"));
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.9.10"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("::"));
  EXPECT_FALSE(is_loopback("localhost.example.org"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.org"));
}

TEST(HostCheck, AnswersToAddressesAndItsOwnNames) {
  const HostCheck hosts({"OCR.example.org"});
  for (const char* own : {"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:80", "192.0.2.7", "ocr.example.org",
                          "OCR.EXAMPLE.ORG:443"}) {
    EXPECT_TRUE(hosts.allows_host(own)) << own;
  }
  for (const char* other : {"", "example.org", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                            "ocr.example.org.evil.example", "[evil]", "localhost:80:80"}) {
    EXPECT_FALSE(hosts.allows_host(other)) << other;
  }
}

TEST(HostCheck, TakesRequestsOfItsOwnPagesAlone) {
  EXPECT_TRUE(HostCheck::allows_origin("", "localhost:8080")) << "no browser";
  EXPECT_TRUE(HostCheck::allows_origin("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(HostCheck::allows_origin("https://OCR.example.org", "ocr.example.org")) << "behind a proxy";
  EXPECT_FALSE(HostCheck::allows_origin("null", "localhost:8080"));
  EXPECT_FALSE(HostCheck::allows_origin("http://localhost:9090", "localhost:8080"));
  EXPECT_FALSE(HostCheck::allows_origin("http://evil.example", "localhost:8080"));
  EXPECT_FALSE(HostCheck::allows_origin("http://localhost:8080.evil.example", "localhost:8080"));
}

}  // namespace
}  // namespace lectern::server
