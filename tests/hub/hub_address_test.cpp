#include "hub/hub_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lectern/error.h"

namespace lectern::hub {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HubAddress, WarnsOfATokenThatIsSentInTheClear) {
  EXPECT_EQ(token_warning("http://hub.example", ""), "");
  EXPECT_THAT(token_warning("http://hub.example", "hf_secret"),
              AllOf(HasSubstr("http://hub.example: is not encrypted, and HF_TOKEN"), Not(HasSubstr("hf_secret"))));
  EXPECT_EQ(token_warning("https://hub.example", "hf_secret"), "");
}

TEST(HubAddress, TakesEndpointAndTokenFromTheEnvironment) {
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_TOKEN");
  EXPECT_TRUE(hub_endpoint("").starts_with("https://"));
  EXPECT_EQ(hub_token(), "");
  ::setenv("HF_ENDPOINT", "https://mirror.example/hub//", 1);
  EXPECT_EQ(hub_endpoint(""), "https://mirror.example/hub");
  EXPECT_EQ(hub_endpoint("http://other.example"), "http://other.example");
  for (const char* wrong : {"mirror", "file:///x", "https://a.example/?b", "https://user@a.example", "https://"}) {
    EXPECT_THROW(hub_endpoint(wrong), Error) << wrong;
  }
  ::setenv("HF_TOKEN", "hf_x\r\nHost: other", 1);
  EXPECT_THROW(hub_token(), Error);
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_TOKEN");
}

}  // namespace
}  // namespace lectern::hub
