#include "server/openai/api_error.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lectern::server {
namespace {

TEST(ApiError, HasTheFormOfOpenAi) {
  EXPECT_EQ(
      error_json(ApiError(400, "n: expected 1", "n", "invalid_value")),
      R"({"error":{"message":"n: expected 1","type":"invalid_request_error","param":"n","code":"invalid_value"}})");
  const auto bare = nlohmann::json::parse(error_json(ApiError(500, "it \"failed\"\n\xFF")));
  EXPECT_EQ(bare["error"]["type"], "server_error");
  EXPECT_TRUE(bare["error"]["param"].is_null());
  EXPECT_TRUE(bare["error"]["code"].is_null());
  EXPECT_EQ(bare["error"]["message"], "it \"failed\"\n\xEF\xBF\xBD");
}

TEST(ApiError, NamesTheTypeOfEveryStatus) {
  EXPECT_EQ(error_type(401), "authentication_error");
  EXPECT_EQ(error_type(403), "permission_error");
  EXPECT_EQ(error_type(404), "not_found_error");
  EXPECT_EQ(error_type(413), "invalid_request_error");
  EXPECT_EQ(error_type(429), "rate_limit_error");
  EXPECT_EQ(error_type(503), "server_error");
}

}  // namespace
}  // namespace lectern::server
