#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/lectern_process.h"
#include "hub/model_store.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;

const std::string own_cache = "unset LECTERN_MODEL; XDG_CACHE_HOME=\"$PWD/cache\"";
const std::string store = "cache/lectern/models/";

TEST(ModelsCommand, ListsTheModelThatShips) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "models", own_cache);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("* primer "), HasSubstr("14.0 MB"), HasSubstr(LECTERN_SHIPPED_MODEL)));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\n  primer-large "), HasSubstr("21.9 MB")));
  EXPECT_EQ(lectern(folder, "inspect primer").out, lectern(folder, "inspect '" LECTERN_SHIPPED_MODEL "'").out);
}

TEST(ModelsCommand, ListsWhatWasPulled) {
  const TempFolder folder;
  const std::string commit(40, 'a');
  const std::string other(40, 'b');
  const fs::path whole = folder / (store + "deepseek-ai--DeepSeek-OCR/" + commit);
  fs::create_directories(whole);
  fs::create_directories(folder / (store + "someone--else/" + other + ".partial"));
  folder.write(store + "deepseek-ai--DeepSeek-OCR/" + commit + "/config.json", "{}");
  hub::write_manifest(whole, {"deepseek-ai", "DeepSeek-OCR", commit}, "https://hub", {{"config.json", 2}});

  const Outcome table = lectern(folder, "models", own_cache);
  EXPECT_THAT(table.out, AllOf(HasSubstr("* deepseek-ai/DeepSeek-OCR  aaaaaaaaaaaa "), HasSubstr("  primer "),
                               HasSubstr("incomplete"), HasSubstr("completed by `lectern pull")));

  const auto list = nlohmann::json::parse(lectern(folder, "models --json", own_cache).out);
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0]["name"], "deepseek-ai/DeepSeek-OCR");
  EXPECT_EQ(list[0]["short_name"], "deepseek-ocr");
  EXPECT_TRUE(list[1]["short_name"].is_null());
  EXPECT_EQ(list[0]["revision"], commit);
  EXPECT_EQ(list[0]["complete"], true);
  EXPECT_EQ(list[0]["default"], true);
  EXPECT_EQ(list[0]["path"], whole.string());
  EXPECT_EQ(list[1]["name"], "someone/else");
  EXPECT_EQ(list[1]["revision"], other);
  EXPECT_EQ(list[1]["complete"], false);
  EXPECT_EQ(list[2]["name"], "primer");
  EXPECT_EQ(list[2]["default"], false);
  EXPECT_EQ(list[3]["name"], "primer-large");
}

// What Hugging Face's own tools have loaded is found by its name; models of other kinds are not shown.
TEST(ModelsCommand, FindsWhatLiesInTheCacheOfHuggingFace) {
  const TempFolder folder;
  const std::string commit(40, 'c');
  const auto add = [&](const std::string& name, const fs::path& files) {
    const fs::path snapshot = folder / ("cache/huggingface/hub/models--" + name + "/snapshots/" + commit);
    fs::create_directories(snapshot);
    for (const auto& file : fs::directory_iterator(files))
      fs::create_symlink(file.path(), snapshot / file.path().filename());
    return snapshot;
  };
  const fs::path snapshot = add("deepseek-ai--DeepSeek-OCR-2", TEST_DATA "/goldens/deepseek-ocr-2/mini");
  const fs::path other = folder / "other";
  fs::create_directories(other);
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) std::ofstream(other / name) << "{}";
  add("someone--llama", other);

  const Outcome table = lectern(folder, "models", own_cache);
  EXPECT_THAT(table.out, AllOf(HasSubstr("deepseek-ai/DeepSeek-OCR-2  cccccccccccc "), HasSubstr(snapshot.string()),
                               HasSubstr("lectern pull NAME`: deepseek-ocr (deepseek-ai/DeepSeek-OCR), unlimited-ocr"),
                               ::testing::Not(HasSubstr("llama"))));
  const Outcome found = lectern(folder, "inspect deepseek-ocr-2", own_cache);
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("DeepSeek-OCR-2 in " + snapshot.string()));
  testing::expect_refusal(lectern(folder, "inspect unlimited-ocr", own_cache), 2,
                          "run: lectern pull baidu/Unlimited-OCR");
}

}  // namespace
}  // namespace lectern
