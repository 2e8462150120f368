#include "server/openai/data_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

TEST(DataUrl, HoldsTypeAndBytes) {
  const DataUrl url = parse_data_url("data:image/png;base64,aGVsbG8=", "url");
  EXPECT_EQ(url.media_type, "image/png");
  EXPECT_EQ(url.bytes, "hello");
  EXPECT_EQ(parse_data_url("DATA:image/png;charset=x;base64,aGVsbG8", "url").bytes, "hello") << "without padding";
  EXPECT_EQ(parse_data_url("data:;base64,aGVs\n bG8=\r\n", "url").bytes, "hello") << "in lines";
  EXPECT_EQ(parse_data_url("data:;base64,", "url").bytes, "");
}

ApiError refusal(std::string_view url) {
  try {
    parse_data_url(url, "messages[0]");
  } catch (const ApiError& error) {
    return error;
  }
  return {0, ""};
}

TEST(DataUrl, RefusesWhatWouldBeFetched) {
  for (const char* url :
       {"https://example.org/page.png", "http://169.254.169.254/", "file:///etc/passwd", "page.png", ""}) {
    const ApiError error = refusal(url);
    EXPECT_EQ(error.status, 400) << url;
    EXPECT_EQ(error.name, "unsupported_url") << url;
    EXPECT_EQ(error.param, "messages[0]") << url;
    EXPECT_THAT(error.what(), HasSubstr("pictures are not fetched")) << url;
  }
}

TEST(DataUrl, RefusesWhatIsNotBase64) {
  for (const char* url : {"data:image/png,hello", "data:image/png;base64", "data:;base64,a", "data:;base64,a%20b",
                          "data:;base64,aGV=sbG8", "data:;base64,aGVsbG8==="}) {
    EXPECT_EQ(refusal(url).name, "invalid_data_url") << url;
  }
}

}  // namespace
}  // namespace lectern::server
