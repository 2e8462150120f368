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

TEST(ModelName, KnowsShortNames) {
  EXPECT_EQ(parse_model_name("deepseek-ocr")->text(), "deepseek-ai/DeepSeek-OCR");
  EXPECT_EQ(parse_model_name("deepseek-ocr-2")->text(), "deepseek-ai/DeepSeek-OCR-2");
  EXPECT_EQ(parse_model_name("unlimited-ocr@v1")->text(), "baidu/Unlimited-OCR");
  EXPECT_EQ(parse_model_name("unlimited-ocr@v1")->revision, "v1");
  EXPECT_FALSE(parse_model_name("unlimited-ocr@"));
  EXPECT_FALSE(parse_model_name("deepseek-ocr-3"));
  EXPECT_EQ(short_names().size(), 3u);
  for (const ShortName& known : short_names()) EXPECT_EQ(short_name_of(known.name), known.text);
  EXPECT_EQ(short_name_of({"someone", "DeepSeek-OCR", ""}), "");
}

TEST(ModelName, RefusesPathsAndWhatTheHubDoesNotAllow) {
  for (const char* text : {"", "name", "a/", "/b", "a/b/c", "../b", "a/..", "./b", "a/.b", "a b/c", "a/b\n", "a--b/c",
                           "a/b@", "a/b@../x", "a/b@-x", "a/b@x y", "a/b?c", "a/b@x?y"}) {
    EXPECT_FALSE(parse_model_name(text)) << text;
  }
  EXPECT_FALSE(parse_model_name("a/" + std::string(97, 'b')));
  EXPECT_FALSE(model_name_of_folder("nothing"));
}

TEST(ModelName, TakesThePastedAddressOfAModel) {
  struct Case {
    const char *text, *endpoint, *name, *revision;
  };
  for (const Case& pasted : {
           Case{"https://huggingface.co/deepseek-ai/DeepSeek-OCR", "https://huggingface.co", "deepseek-ai/DeepSeek-OCR",
                ""},
           {"https://huggingface.co/a/b/", "https://huggingface.co", "a/b", ""},
           {"huggingface.co/a/b", "https://huggingface.co", "a/b", ""},
           {"http://mirror.example:8080/a/b?library=x#files", "http://mirror.example:8080", "a/b", ""},
           {"http://localhost:8080/a/b", "http://localhost:8080", "a/b", ""},
           {"https://huggingface.co/a/b/tree/main", "https://huggingface.co", "a/b", "main"},
           {"https://huggingface.co/a/b/blob/v1.0/config.json", "https://huggingface.co", "a/b", "v1.0"},
       }) {
    const auto address = parse_model_address(pasted.text);
    ASSERT_TRUE(address) << pasted.text;
    EXPECT_EQ(address->endpoint, pasted.endpoint);
    EXPECT_EQ(address->name.text(), pasted.name);
    EXPECT_EQ(address->name.revision, pasted.revision);
  }
  for (const char* text : {"", "https://", "https://huggingface.co", "https://huggingface.co/a", "a/b", "../a/b",
                           "./a/b", "https://huggingface.co/a/b/discussions/3", "https://huggingface.co/a/b/tree",
                           "ftp://huggingface.co/a/b", "https://huggingface.co/a/../b", "/a/b/c"}) {
    EXPECT_FALSE(parse_model_address(text)) << text;
  }
}

TEST(ModelName, KnowsCommits) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("main"));
}

}  // namespace
}  // namespace lectern::hub
