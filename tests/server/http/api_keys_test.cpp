#include "server/http/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

TEST(ApiKeys, FindsTheKeyThatIsShown) {
  const ApiKeys keys = ApiKeys::from_text("# of the team\nfirst-key\n\n  second_key \r\n", "keys");
  EXPECT_FALSE(keys.empty());
  EXPECT_EQ(keys.find("Bearer first-key"), 1u);
  EXPECT_EQ(keys.find("bearer  second_key"), 2u);
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer first-ke", "Bearer first-key2", "Basic first-key",
                            "first-key", "Bearer # of the team", "Bearer FIRST-KEY"}) {
    EXPECT_EQ(keys.find(wrong), 0u) << wrong;
  }
  EXPECT_EQ(ApiKeys().find("Bearer first-key"), 0u);
  EXPECT_TRUE(ApiKeys().empty());
}

std::string refusal(const std::string& text) {
  try {
    ApiKeys::from_text(text, "keys");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ApiKeys, RefusesFilesWithoutKeys) {
  EXPECT_EQ(refusal(""), "keys: holds no key; expected one a line");
  EXPECT_EQ(refusal("# nothing\n\n"), "keys: holds no key; expected one a line");
  EXPECT_THAT(refusal("good\ntwo words\n"), HasSubstr("keys: line 2: not a key"));
  EXPECT_THAT(refusal("\xC3\xA9\n"), HasSubstr("line 1"));
  EXPECT_THROW(ApiKeys::from_file("/nothing/here"), Error);
}

TEST(ApiKeys, ReadsAFile) {
  const testing::TempFolder folder;
  std::ofstream(folder / "keys") << "of-a-file\n";
  EXPECT_EQ(ApiKeys::from_file(folder / "keys").find("Bearer of-a-file"), 1u);
}

}  // namespace
}  // namespace lectern::server
