#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, CountsRequestsPagesAndTokens) {
  Metrics metrics;
  metrics.request("/v1/models", 200, 0.5);
  metrics.request("/v1/models", 200, 0.5);
  metrics.request("other", 404, 0.001);
  metrics.waited(2);
  PageAnswer page;
  page.finish = "end";
  page.prompt_tokens = 100;
  page.tokens = 11;
  page.encode_seconds = 1;
  page.decode_seconds = 5;
  page.warnings = {{"cut_short", "why"}};
  metrics.page(page);
  const std::string text = metrics.text({.waiting = 3, .reading = 2, .draining = true});
  for (const char* line :
       {"lectern_requests_total{route=\"/v1/models\",status=\"200\"} 2\n",
        "lectern_requests_total{route=\"other\",status=\"404\"} 1\n", "lectern_pages_total{finish=\"end\"} 1\n",
        "lectern_tokens_total{kind=\"prompt\"} 100\n", "lectern_tokens_total{kind=\"written\"} 11\n",
        "lectern_page_warnings_total{code=\"cut_short\"} 1\n", "lectern_pages_waiting 3\n", "lectern_pages_reading 2\n",
        "lectern_draining 1\n", "lectern_page_wait_seconds_sum 2\n", "lectern_token_seconds_sum 0.5\n",
        "lectern_page_seconds_bucket{le=\"10\"} 1\n", "lectern_page_seconds_bucket{le=\"3\"} 0\n",
        "# TYPE lectern_request_seconds histogram\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace lectern::server
