#include "hub/model_name.h"

#include <gtest/gtest.h>

namespace lectern::hub {
namespace {

TEST(ModelName, TakesOwnerNameAndRevision) {
  const auto name = parse_model_name("deepseek-ai/DeepSeek-OCR");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->owner, "deepseek-ai");
  EXPECT_EQ(name->name, "DeepSeek-OCR");
  EXPECT_EQ(name->revision, "");
  EXPECT_EQ(name->text(), "deepseek-ai/DeepSeek-OCR");
  EXPECT_EQ(name->folder(), "deepseek-ai--DeepSeek-OCR");
  EXPECT_EQ(parse_model_name("a/b@refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(model_name_of_folder("deepseek-ai--DeepSeek-OCR")->text(), "deepseek-ai/DeepSeek-OCR");
}

TEST(ModelName, RefusesPathsAndWhatTheHubDoesNotAllow) {
  for (const char* text : {"", "name", "a/", "/b", "a/b/c", "../b", "a/..", "./b", "a/.b", "a b/c", "a/b\n", "a--b/c",
                           "a/b@", "a/b@../x", "a/b@-x", "a/b@x y", "a/b?c", "a/b@x?y"}) {
    EXPECT_FALSE(parse_model_name(text)) << text;
  }
  EXPECT_FALSE(parse_model_name("a/" + std::string(97, 'b')));
  EXPECT_FALSE(model_name_of_folder("nothing"));
}

TEST(ModelName, KnowsCommits) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("main"));
}

}  // namespace
}  // namespace lectern::hub
