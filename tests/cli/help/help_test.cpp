#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;

const std::vector<std::string> commands = {"read",     "convert", "pull",    "models", "compare", "inspect",    "trace",
                                           "quantize", "bench",   "devices", "doctor", "manual",  "completion", "help"};

TEST(Help, IsACommandAsWell) {
  const TempFolder folder;
  const Outcome all = lectern(folder, "help");
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(all.out, lectern(folder, "--help").out);
  for (const std::string& command : commands) {
    EXPECT_THAT(all.out, HasSubstr("\n  " + command + " "));
    const Outcome one = lectern(folder, "help " + command);
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.out, lectern(folder, command + " --help").out);
  }
  expect_refusal(lectern(folder, "help nothing"), 2, "there is no command 'nothing'; see lectern --help");
}

TEST(Help, BreaksLinesBetweenWordsAtEightyColumns) {
  const TempFolder folder;
  for (const std::string& command : commands) {
    std::istringstream help(lectern(folder, "help " + command).out);
    for (std::string line; std::getline(help, line);) {
      // A single word, as a list of alternatives, may be longer.
      const bool one_word = std::regex_match(line, std::regex(" *-?[^ ]*(,-)?[^ ]* ?[^ ]+( REQUIRED)?"));
      EXPECT_TRUE(line.size() <= 80 || one_word) << command << ": " << line;
    }
  }
}

TEST(Help, PutsManyOptionsUnderHeadings) {
  const TempFolder folder;
  const std::string help = lectern(folder, "help read").out;
  for (const char* heading : {"Pages", "Reading", "Output", "Model and device", "Run"}) {
    EXPECT_THAT(help, HasSubstr(std::string("\n") + heading + ":\n"));
  }
  EXPECT_THAT(help, HasSubstr("\n  --format md|"));
  EXPECT_EQ(help.find(",... ..."), std::string::npos);
  EXPECT_EQ(lectern(folder, "help models").out.find("Run:"), std::string::npos);
}

// The parsing library's own names of types mean nothing to people.
TEST(Help, NamesValuesAsPeopleDo) {
  const TempFolder folder;
  const std::regex leaked("\\b(INT|UINT|FLOAT|TEXT):|\\b(INT|UINT|FLOAT)\\b| in \\[");
  for (const std::string& command : commands) {
    const std::string help = lectern(folder, "help " + command).out;
    std::smatch found;
    EXPECT_FALSE(std::regex_search(help, found, leaked)) << command << ": " << found.str();
  }
  const std::string manual = lectern(folder, "manual").out;
  std::smatch found;
  EXPECT_FALSE(std::regex_search(manual, found, leaked)) << found.str();
}

TEST(Help, NamesWhatQuantizeTakesAsTheReadmeDoes) {
  const TempFolder folder;
  EXPECT_THAT(lectern(folder, "help quantize").out, HasSubstr("Usage: lectern quantize [OPTIONS] MODEL FOLDER\n"));
}

TEST(Help, SaysThatNoLanguageIsChosen) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "read -l deu page.png"), 2, "no language is chosen");
}

}  // namespace
}  // namespace lectern
