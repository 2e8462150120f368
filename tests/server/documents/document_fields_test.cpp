#include "server/documents/document_fields.h"

#include <gtest/gtest.h>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

TEST(DocumentFields, AreOptionsOfPages) {
  const DocumentFields parsed = parse_document_fields({{"model", "ocr"},
                                                       {"prompt", "markdown"},
                                                       {"mode", "base"},
                                                       {"max_tiles", "12"},
                                                       {"pages_together", "4"},
                                                       {"dpi", "150"},
                                                       {"password", "se cret"},
                                                       {"orient", "auto"},
                                                       {"pages", "1-3,7"},
                                                       {"max_tokens", "200"},
                                                       {"temperature", "0.5"},
                                                       {"top_p", "0.9"},
                                                       {"seed", "18446744073709551615"}});
  EXPECT_EQ(parsed.model, "ocr");
  EXPECT_EQ(parsed.options.prompt, "markdown");
  EXPECT_EQ(parsed.options.mode, "base");
  EXPECT_EQ(parsed.options.max_tiles, 12);
  EXPECT_EQ(parsed.options.pages_together, 4);
  EXPECT_EQ(parsed.dpi, 150);
  EXPECT_EQ(parsed.password, "se cret");
  EXPECT_TRUE(parsed.upright);
  EXPECT_EQ(parsed.pages.parts.size(), 2U);
  EXPECT_EQ(parsed.options.max_tokens, 200);
  EXPECT_FLOAT_EQ(parsed.options.temperature, 0.5F);
  EXPECT_FLOAT_EQ(parsed.options.top_p, 0.9F);
  EXPECT_EQ(parsed.options.seed, UINT64_MAX);
  EXPECT_TRUE(parsed.options.plain);
  EXPECT_TRUE(parsed.options.retry);
}

TEST(DocumentFields, NoneAreTheDefaults) {
  const DocumentFields parsed = parse_document_fields({});
  EXPECT_EQ(parsed.options.mode, "auto");
  EXPECT_EQ(parsed.options.max_tokens, 0);
  EXPECT_EQ(parsed.options.temperature, 0);
  EXPECT_TRUE(parsed.pages.parts.empty());
}

TEST(DocumentFields, AreRefusedByTheirNames) {
  const std::vector<std::pair<std::string, std::string>> wrong = {{"max_tokens", "0"},
                                                                  {"prompt", "\xff"},
                                                                  {"password", "caf\xe9"},
                                                                  {"max_tokens", "1e3"},
                                                                  {"max_tokens", ""},
                                                                  {"pages_together", "0"},
                                                                  {"pages_together", "129"},
                                                                  {"pages_together", "two"},
                                                                  {"dpi", "19"},
                                                                  {"dpi", "inf"},
                                                                  {"orient", "left"},
                                                                  {"max_tiles", "0"},
                                                                  {"max_tiles", "101"},
                                                                  {"temperature", "2.1"},
                                                                  {"temperature", "nan"},
                                                                  {"top_p", "0"},
                                                                  {"top_p", "1.5"},
                                                                  {"seed", "-1"},
                                                                  {"seed", "1 "},
                                                                  {"pages", "0"},
                                                                  {"pages", "3-1"},
                                                                  {"pages", "../../etc"},
                                                                  {"output", "/etc/passwd"},
                                                                  {"path", "x"},
                                                                  {"file", "not a part"}};
  for (const auto& [name, value] : wrong) {
    try {
      parse_document_fields({{name, value}});
      ADD_FAILURE() << name << "=" << value;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status, 400);
      EXPECT_EQ(error.param, name);
    }
  }
}

TEST(DocumentFields, GoThroughJson) {
  const std::map<std::string, std::string> fields = {{"prompt", "\"quoted\" ü"}, {"seed", "7"}};
  EXPECT_EQ(fields_from_json(fields_to_json(fields)), fields);
  EXPECT_EQ(fields_to_json({}), "{}");
}

}  // namespace
}  // namespace lectern::server
