#include "server/documents/result_options.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

TEST(ResultOptions, AreTheSwitchesOfReading) {
  const OutputOptions none = parse_result_options({{"seed", "3"}});
  EXPECT_EQ(none.tables, OutputOptions::Tables::html);
  EXPECT_TRUE(none.headers && none.footers && none.page_numbers);
  EXPECT_FALSE(none.page_breaks || none.figures || none.decrypt || none.invalidate_signatures);
  EXPECT_EQ(none.existing_text, OutputOptions::ExistingText::skip);

  const OutputOptions all = parse_result_options({{"tables", "pipe"},
                                                  {"formulas", "paren"},
                                                  {"headers", "drop"},
                                                  {"footers", "drop"},
                                                  {"page_numbers", "drop"},
                                                  {"page_breaks", "keep"},
                                                  {"existing_text", "force"},
                                                  {"decrypt", "true"},
                                                  {"invalidate_signatures", "true"}});
  EXPECT_EQ(all.tables, OutputOptions::Tables::pipe);
  EXPECT_EQ(all.formulas, OutputOptions::Formulas::paren);
  EXPECT_FALSE(all.headers || all.footers || all.page_numbers);
  EXPECT_TRUE(all.page_breaks && all.decrypt && all.invalidate_signatures);
  EXPECT_EQ(all.existing_text, OutputOptions::ExistingText::force);
}

TEST(ResultOptions, AreRefusedByTheirNames) {
  for (const char* name : {"tables", "formulas", "headers", "footers", "page_numbers", "page_breaks", "existing_text",
                           "decrypt", "invalidate_signatures"}) {
    EXPECT_TRUE(is_result_option(name)) << name;
    for (const char* value : {"", "yes", "Keep"}) {
      try {
        static_cast<void>(parse_result_options({{name, value}}));
        ADD_FAILURE() << name << '=' << value;
      } catch (const ApiError& error) {
        EXPECT_EQ(error.status, 400) << name;
        EXPECT_EQ(std::string(error.what()).find(std::string(name) + ": expected "), 0U) << error.what();
      }
    }
  }
  EXPECT_FALSE(is_result_option("figures"));
  EXPECT_FALSE(is_result_option("format"));
}

TEST(ResultOptions, EachHasATagOfItsOwn) {
  const std::vector<std::pair<std::string, std::string>> each = {
      {"tables", "pipe"},        {"formulas", "paren"},
      {"headers", "drop"},       {"footers", "drop"},
      {"page_numbers", "drop"},  {"page_breaks", "keep"},
      {"existing_text", "redo"}, {"existing_text", "force"},
      {"decrypt", "true"},       {"invalidate_signatures", "true"}};
  std::set<std::string> tags = {result_tag(parse_result_options({}))};
  EXPECT_EQ(*tags.begin(), "");
  for (const auto& [name, value] : each) tags.insert(result_tag(parse_result_options({{name, value}})));
  EXPECT_EQ(tags.size(), each.size() + 1);
}

}  // namespace
}  // namespace lectern::server
