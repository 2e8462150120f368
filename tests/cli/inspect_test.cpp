#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;

TEST(InspectCommand, DescribesAModel) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "inspect '" TEST_DATA "/goldens/mini'");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("view     1024 pixels\n"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(lectern(folder, "inspect").out, outcome.out) << "LECTERN_MODEL is used";
}

TEST(InspectCommand, WritesJson) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "inspect --json '" TEST_DATA "/goldens/mini'");
  EXPECT_EQ(outcome.code, 0);
  const nlohmann::json summary = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(summary["native_size"], 1024);
  EXPECT_EQ(summary["total"]["tensors"], 227);
}

TEST(InspectCommand, RefusesWhatIsNoModel) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "inspect nowhere"), 2, "nowhere: there is no such folder; a model folder holds");
  expect_refusal(lectern(folder, "inspect ."), 2, ".: has no config.json; a model folder holds");
  folder.write("config.json", "{");
  expect_refusal(lectern(folder, "inspect ."), 2, "config.json: ");
  std::filesystem::copy_file(TEST_DATA "/goldens/mini/config.json", folder / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  folder.write("model.safetensors", "12345678");
  expect_refusal(lectern(folder, "inspect ."), 2, "model.safetensors: ");
  expect_refusal(lectern(folder, "inspect . more"), 2, "more");
  expect_refusal(lectern(folder, "inspect '" TEST_DATA "/goldens/mini' >/dev/full"), 2, "standard output: cannot be");
}

}  // namespace
}  // namespace lectern
