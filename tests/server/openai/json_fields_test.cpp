#include "server/openai/json_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    return error.what();
  }
  return "";
}

TEST(JsonFields, ParsesWithinLimits) {
  EXPECT_EQ(parse_json(R"({"a": [1, "b"]})")["a"][1], "b");
  EXPECT_EQ(refusal([] { parse_json("{\"a\": 1"); }), "the body: not valid JSON at byte 8");
  EXPECT_THAT(refusal([] { parse_json(""); }), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal([] { parse_json("{\"a\": \"\xFF\"}"); }), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal([] { parse_json("{} {}"); }), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal([] { parse_json(std::string(1'000'000, '[')); }), HasSubstr("nested deeper"));
  std::string wide = "[0";
  for (int i = 0; i < 200'000; ++i) wide += ",0";
  EXPECT_THAT(refusal([&] { parse_json(wide + "]"); }), HasSubstr("more than 100000 values"));
}

TEST(JsonFields, ReadsEveryTypeAndNullAsNothing) {
  const json value = parse_json(R"({"yes": true, "text": "t", "count": 7, "real": 0.5, "none": null})");
  JsonFields fields(value, "");
  EXPECT_EQ(fields.boolean("yes"), true);
  EXPECT_EQ(fields.text("text"), "t");
  EXPECT_EQ(fields.integer("count", 0, 7), 7);
  EXPECT_EQ(fields.number("real", 0, 1), 0.5);
  EXPECT_EQ(fields.number("count", 0, 7), 7);
  EXPECT_EQ(fields.boolean("none"), std::nullopt);
  EXPECT_EQ(fields.text("missing"), std::nullopt);
  fields.refuse_others();
}

TEST(JsonFields, RefusesWhatItsFieldDoesNotTake) {
  const json value = parse_json(R"({"a": "text", "b": 1.5, "d": 18446744073709551615, "e": 9})");
  JsonFields fields(value, "outer");
  EXPECT_EQ(refusal([&] { fields.boolean("a"); }), "outer.a: expected true or false");
  EXPECT_EQ(refusal([&] { fields.text("b"); }), "outer.b: expected a string");
  EXPECT_EQ(refusal([&] { fields.integer("b", 0, 9); }), "outer.b: expected an integer of 0 to 9");
  EXPECT_EQ(refusal([&] { fields.integer("d", 0, INT64_MAX); }),
            "outer.d: expected an integer of 0 to 9223372036854775807");
  EXPECT_EQ(refusal([&] { fields.integer("e", 0, 8); }), "outer.e: expected an integer of 0 to 8");
  EXPECT_EQ(refusal([&] { fields.number("e", 0, 8.5); }), "outer.e: expected a number of 0 to 8.5");
  EXPECT_EQ(refusal([&] { JsonFields(value["a"], "outer.a"); }), "outer.a: expected an object");
}

TEST(JsonFields, RefusesUnknownFieldsByName) {
  const json value = parse_json(R"({"known": 1, "top_k": 5, "ignored": null})");
  JsonFields fields(value, "");
  fields.take("known");
  EXPECT_EQ(refusal([&] { fields.refuse_others(); }), "top_k: not known here; leave it out");
}

}  // namespace
}  // namespace lectern::server
