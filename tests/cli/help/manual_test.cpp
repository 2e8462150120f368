#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;
using testing::lectern;
using testing::slurp;
using testing::TempFolder;

std::string unescaped(std::string roff) {
  for (size_t at = 0; (at = roff.find("\\-", at)) != std::string::npos;) roff.erase(at, 1);
  return roff;
}

// The names of options in a command's --help are in its section of the manual.
TEST(ManualCommand, TellsOfEveryOption) {
  const TempFolder folder;
  const auto outcome = lectern(folder, "manual");
  EXPECT_EQ(outcome.code, 0);
  const std::string manual = unescaped(outcome.out);
  const std::regex option("--[a-z][a-z-]+");
  size_t options = 0;
  for (const std::string command : {"read", "convert", "pull", "models", "compare", "inspect", "trace", "bench",
                                    "devices", "completion", "manual"}) {
    const size_t section = manual.find(".SS " + command + "\n");
    ASSERT_NE(section, std::string::npos) << command;
    const std::string text = manual.substr(section, manual.find("\n.S", section + 1) - section);
    const std::string help = lectern(folder, command + " --help").out;
    for (std::sregex_iterator name(help.begin(), help.end(), option), end; name != end; ++name, ++options) {
      EXPECT_THAT(text, HasSubstr(name->str())) << command;
    }
  }
  EXPECT_GT(options, 25u);
  for (const char* title : {"NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"}) {
    EXPECT_THAT(manual, HasSubstr(std::string("\n.SH ") + title + "\n"));
  }
}

TEST(ManualCommand, IsAManualPage) {
  if (std::system("command -v mandoc >/dev/null") != 0) GTEST_SKIP() << "mandoc is not installed";
  const TempFolder folder;
  folder.write("lectern.1", lectern(folder, "manual").out);
  const std::string path = (folder / "lectern.1").string();
  EXPECT_EQ(std::system(("mandoc -T lint -W error '" + path + "' >'" + path + ".lint'").c_str()), 0)
      << slurp(path + ".lint");
  EXPECT_EQ(std::system(("mandoc -T html '" + path + "' | grep -q 'f32|bf16|q8|q4'").c_str()), 0);
}

}  // namespace
}  // namespace lectern
