#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "core/temp_folder.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

// Names of metrics that docs/server.md does not tell.
std::vector<std::string> names_without_documentation(const std::string& text) {
  const std::string given = testing::slurp(LECTERN_DOCS "/server.md");
  const std::regex head("# TYPE (lectern_[a-z_]+)");
  std::vector<std::string> lack;
  for (std::sregex_iterator found(text.begin(), text.end(), head), end; found != end; ++found) {
    const std::string name = (*found)[1];
    if (given.find("`" + name + "`") == std::string::npos) lack.push_back(name);
  }
  return lack;
}

// Names of metrics in contrib/ that a server does not have.
std::vector<std::string> names_that_lack(const std::string& text) {
  const std::regex name("lectern_[a-z_]+");
  std::vector<std::string> lack;
  for (const char* file : {"prometheus/lectern.rules.yml", "grafana/lectern.json"}) {
    const std::string given = testing::slurp(std::string(LECTERN_DOCS "/../contrib/") + file);
    EXPECT_NE(given, "") << file;
    for (std::sregex_iterator found(given.begin(), given.end(), name), end; found != end; ++found) {
      if (text.find(found->str()) == std::string::npos) lack.push_back(found->str());
    }
  }
  return lack;
}

// Series with other labels are never the same to `and` by itself.
TEST(Metrics, AlertsSayByWhichLabelsSeriesBelongTogether) {
  const std::string rules = testing::slurp(LECTERN_DOCS "/../contrib/prometheus/lectern.rules.yml");
  const std::regex joined("\\s(and|or|unless)\\s+(?!on\\b)[a-z_(]+[({]");
  for (std::sregex_iterator found(rules.begin(), rules.end(), joined), end; found != end; ++found) {
    ADD_FAILURE() << found->str();
  }
  EXPECT_THAT(rules, HasSubstr("and on (instance)"));
}

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
  page.loops = 2;
  page.retry = "tiles";
  page.warnings = {{"cut_short", "why"}};
  metrics.page(page);
  metrics.first_token(4);
  ModelShelf::Counts model;
  model.name = "ocr";
  model.loaded = true;
  model.load = {.pages = 3, .sequences = 16, .cache_positions = 4096, .cache_used = 512, .preemptions = 2};
  metrics.text({.waiting = 0, .reading = 0, .draining = false, .models = {model}});
  model.load.preemptions = 5;
  const std::string text = metrics.text({.waiting = 3, .reading = 2, .draining = true, .models = {model}});
  for (const char* line : {"lectern_requests_total{route=\"/v1/models\",status=\"200\"} 2\n",
                           "lectern_requests_total{route=\"other\",status=\"404\"} 1\n",
                           "lectern_pages_total{finish=\"end\"} 1\n",
                           "lectern_tokens_total{kind=\"prompt\"} 100\n",
                           "lectern_tokens_total{kind=\"written\"} 11\n",
                           "lectern_loops_total 2\n",
                           "lectern_page_retries_total{how=\"tiles\"} 1\n",
                           "lectern_first_token_seconds_sum 4\n",
                           "lectern_preemptions_total{model=\"ocr\"} 5\n",
                           "lectern_model_loaded{model=\"ocr\"} 1\n",
                           "lectern_batch_pages{model=\"ocr\"} 3\n",
                           "lectern_batch_sequences{model=\"ocr\"} 16\n",
                           "lectern_kv_cache_tokens{model=\"ocr\"} 4096\n",
                           "lectern_kv_cache_used_tokens{model=\"ocr\"} 512\n",
                           "lectern_page_warnings_total{code=\"cut_short\"} 1\n",
                           "lectern_pages_waiting 3\n",
                           "lectern_pages_reading 2\n",
                           "lectern_draining 1\n",
                           "lectern_page_wait_seconds_sum 2\n",
                           "lectern_token_seconds_sum 0.5\n",
                           "lectern_page_seconds_bucket{le=\"10\"} 1\n",
                           "lectern_page_seconds_bucket{le=\"3\"} 0\n",
                           "# TYPE lectern_request_seconds histogram\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_EQ(names_that_lack(text), std::vector<std::string>());
  EXPECT_EQ(names_without_documentation(text), std::vector<std::string>());
}

}  // namespace
}  // namespace lectern::server
