#include "checkpoint/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace lectern {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST(Summary, TellsPeopleThePartsOfAModel) {
  const std::string text = summarise(Checkpoint::open(TEST_DATA "/goldens/mini"));
  EXPECT_THAT(text, HasSubstr("goldens/mini"));
  EXPECT_THAT(text, HasSubstr("view     1024 pixels\n"));
  EXPECT_THAT(text, HasSubstr("SAM      4 layers, width 96, 3 heads, 2 of the layers global\n"));
  EXPECT_THAT(text, HasSubstr("8 experts, 3 for each token; 512 tokens, context 8192\n"));
  EXPECT_THAT(text, HasSubstr("layout   <|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|> before a block, "));
  EXPECT_THAT(text, HasSubstr("ends     with token 1; the likeliest token is written each time\n"));
  EXPECT_THAT(text, ContainsRegex("decoder embeddings +1  bf16 +65.5 k +131 kB\n"));
  EXPECT_THAT(text, ContainsRegex("other, ignored +2  bf16, i64 "));
  EXPECT_THAT(text, ContainsRegex("total +227  bf16, i64 +3.06 M +6.11 MB\n"));
}

// What each of the other models is told apart by, and what its config.json does not say.
TEST(Summary, TellsPeopleWhatAModelWasTrainedFor) {
  const std::string qwen2 = summarise(Checkpoint::open(TEST_DATA "/goldens/deepseek-ocr-2/mini"));
  EXPECT_THAT(qwen2, HasSubstr("DeepSeek-OCR-2 in "));
  EXPECT_THAT(qwen2, HasSubstr("Qwen2    4 layers, width 64, 4 heads (2 for keys and values)\n"));
  EXPECT_THAT(qwen2, HasSubstr("modes    gundam (1024, 2 to 6 tiles of 768), base (1024), small (768, stretched), "));
  EXPECT_THAT(qwen2, HasSubstr("of 20 tokens within 90, of PDF pages 20 tokens within 50, are not written twice, but "
                               "for <td> and </td>\n"));
  const std::string unlimited = summarise(Checkpoint::open(TEST_DATA "/goldens/unlimited-ocr/mini"));
  EXPECT_THAT(unlimited, HasSubstr("Unlimited-OCR in "));
  EXPECT_THAT(unlimited, HasSubstr("modes    gundam (1024, 2 to 32 tiles of 640), base (1024), "));
  EXPECT_THAT(unlimited, HasSubstr("prompts  markdown, pages (together, in mode base)\n"));
  EXPECT_THAT(unlimited, HasSubstr("of several pages together 35 tokens within 1024, are not written twice\n"));
  EXPECT_THAT(unlimited, HasSubstr("window   what was asked, and the last 16 tokens written\n"));
  EXPECT_THAT(unlimited, HasSubstr("layout   <|det|>label [x1, y1, x2, y2]<|/det|> before a block, "));
}

TEST(Summary, AlignsTheTable) {
  std::istringstream lines(summarise(Checkpoint::open(TEST_DATA "/goldens/mini")));
  std::string line;
  size_t width = 0, rows = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with("part ")) width = line.size();
    if (width == 0) continue;
    EXPECT_EQ(line.size(), width) << line;
    ++rows;
  }
  EXPECT_EQ(rows, 12u);
}

TEST(Summary, TellsProgramsTheSame) {
  const nlohmann::json summary = summary_json(Checkpoint::open(TEST_DATA "/goldens/mini"));
  EXPECT_EQ(summary["decoder"]["experts"], 8);
  EXPECT_EQ(summary["sam"]["global_layers"], nlohmann::json::parse("[1, 3]"));
  EXPECT_EQ(summary["total"]["tensors"], 227);
  EXPECT_EQ(summary["total"]["bytes"], 6112328);
  uint64_t parameters = 0;
  std::map<std::string, int> tensors;
  for (const auto& part : summary["parts"]) {
    parameters += part["parameters"].get<uint64_t>();
    tensors[part["name"]] = part["tensors"];
  }
  EXPECT_EQ(summary["total"]["parameters"], parameters);
  EXPECT_EQ(tensors["decoder experts"], 3 * (8 * 3 + 3 + 1));
  EXPECT_EQ(tensors["projector"], 4);
  const nlohmann::json other = summary_json(Checkpoint::open(TEST_DATA "/goldens/deepseek-ocr-2/mini"));
  EXPECT_EQ(other["qwen2"], (nlohmann::json{{"layers", 4}, {"width", 64}, {"heads", 4}, {"kv_heads", 2}}));
}

}  // namespace
}  // namespace lectern
