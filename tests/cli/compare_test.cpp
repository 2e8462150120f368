#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::expect_refusal;
using testing::golden_images;
using ::testing::HasSubstr;
using testing::lectern;
using ::testing::Not;
using testing::Outcome;
using testing::slurp;
using testing::TempFolder;

const std::string mini = TEST_DATA "/goldens/deepseek-ocr-2/mini";
const std::string receipt = " '" + golden_images + "receipt.png' --max-tokens 24";

TEST(CompareCommand, ShowsTwoReadingsAsNumbersAndSideBySide) {
  const TempFolder folder;
  const std::string sides = "compare '" + mini + ":mode=small' '" + mini + ":weights=bf16,mode=base'";
  const Outcome numbers = lectern(folder, sides + receipt + " --json -o both.html");
  ASSERT_EQ(numbers.code, 0) << numbers.err;
  const auto json = nlohmann::json::parse(numbers.out);
  EXPECT_EQ(json["models"][0], mini + ":mode=small");
  ASSERT_EQ(json["pages"].size(), 1u);
  const auto& page = json["pages"][0];
  EXPECT_THAT(page["page"].get<std::string>(), HasSubstr("receipt.png"));
  for (const int side : {0, 1}) {
    EXPECT_GT(page["tokens"][side].get<int>(), 0);
    EXPECT_GT(page["words"][side].get<int>(), 0);
  }
  EXPECT_GT(page["edit_distance"].get<double>(), 0) << "two modes, of random weights";
  EXPECT_EQ(page["edits"], json["all"]["edits"]);
  const std::string html = slurp(folder / "both.html");
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_THAT(
      html, AllOf(HasSubstr(":weights=bf16,mode=base"), HasSubstr("<del>"), HasSubstr("<ins>"), HasSubstr("</html>")));
}

TEST(CompareCommand, FindsNoDifferenceBetweenAModelAndItself) {
  const TempFolder folder;
  const std::string side = "'" + mini + ":mode=small' ";
  const Outcome same = lectern(folder, "compare " + side + side + receipt + " -o same.html");
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, AllOf(HasSubstr("words alike"), HasSubstr(" 100.00 %"), HasSubstr(" 0.0000")));
  const std::string html = slurp(folder / "same.html");
  for (const std::string mark : {"<del>", "<ins>"}) {  // only where the page says what they mean
    EXPECT_EQ(html.find(mark), html.find(mark + "on the "));
    EXPECT_EQ(html.find(mark), html.rfind(mark));
  }
}

TEST(CompareCommand, RefusesWhatItCannotCompare) {
  const TempFolder folder;
  const auto refused = [&](const std::string& arguments, const std::string& reason) {
    expect_refusal(lectern(folder, "compare " + arguments), 2, reason);
  };
  refused("'" + mini + "' nowhere/at/all" + receipt, "nowhere/at/all: there is no such folder");
  refused("'" + mini + ":mode=huge' '" + mini + "'" + receipt, "unknown mode 'huge'");
  refused("'" + mini + ":mode=tiny,weights=q3' '" + mini + "'" + receipt, "unknown weights 'q3'");
  refused("'" + mini + "' '" + mini + "' -", "standard input cannot be read twice");
  refused("'" + mini + "'", "required");
  folder.write("a.png", slurp(golden_images + "receipt.png"));
  refused("'" + mini + "' '" + mini + "' a.png -o a.png", "a.png");
  refused("'" + mini + "' '" + mini + "' a.png -o -", "-o -: does not go to standard output: the numbers are printed");
  folder.write("secret.txt", "word\n");
  refused("'" + mini + "' '" + mini + "' a.png --password-file secret.txt -o secret.txt", "secret.txt: is an input");
  fs::copy(mini, folder / "model");
  refused("model model a.png -o model/config.json", "model/config.json: is an input");
}

}  // namespace
}  // namespace lectern
