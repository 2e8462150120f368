#include "server/openai/unknown_model.h"

#include <gtest/gtest.h>

#include <string>

namespace lectern::server {
namespace {

TEST(UnknownModel, IsNamedInFull) {
  const ApiError error = unknown_model("ocr");
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.name, "model_not_found");
  EXPECT_STREQ(error.what(), "model: there is no 'ocr' here; GET /v1/models lists those that are");
  EXPECT_STREQ(unknown_model(std::string("a\0b\0", 4)).what(),
               "model: there is no 'a\xEF\xBF\xBD"
               "b\xEF\xBF\xBD' here; GET /v1/models lists those that are");
}

}  // namespace
}  // namespace lectern::server
