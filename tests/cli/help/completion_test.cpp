#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::expect_refusal;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lectern;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// What bash offers for the last of `words`, which are what it takes a line to be made of.
std::vector<std::string> bash_offers(const std::string& words) {
  const TempFolder folder;
  folder.write("page one.png", "");
  std::filesystem::create_directory(folder / "papers");
  EXPECT_EQ(lectern(folder, "completion bash >completion").code, 0);
  folder.write("ask", "source ./completion\nCOMP_WORDS=(" + words +
                          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_lectern\n"
                          "[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const std::string command = "cd '" + folder.path().string() + "' && bash -u ./ask >offers 2>errors";
  EXPECT_EQ(std::system(command.c_str()), 0) << slurp(folder / "errors");
  EXPECT_EQ(slurp(folder / "errors"), "");
  return lines_of(slurp(folder / "offers"));
}

TEST(CompletionCommand, OffersBashWhatTheCommandsTake) {
  EXPECT_THAT(bash_offers("lectern ''"), AllOf(Contains("read"), Contains("pull"), Contains("completion")));
  EXPECT_THAT(bash_offers("lectern re"), ElementsAre("read"));
  EXPECT_THAT(bash_offers("lectern read --weights ''"), ElementsAre("f32", "bf16", "q8", "q4"));
  EXPECT_THAT(bash_offers("lectern read --weights = q"), ElementsAre("q8", "q4"));
  EXPECT_THAT(bash_offers("lectern read --format h"), ElementsAre("html", "hocr"));
  EXPECT_THAT(bash_offers("lectern convert --format md,js"), ElementsAre("md,json"));
  EXPECT_THAT(bash_offers("lectern read --mode t"), ElementsAre("tiny"));
  EXPECT_THAT(bash_offers("lectern read --prompt l"), ElementsAre("locate:"));
  EXPECT_THAT(bash_offers("lectern read --model p"), ElementsAre("primer", "primer-large", "papers"));
  EXPECT_THAT(bash_offers("lectern read pag"), ElementsAre("page one.png"));
  EXPECT_THAT(bash_offers("lectern read --max-tok"), ElementsAre("--max-tokens"));
  EXPECT_THAT(bash_offers("lectern read --max-tokens ''"), IsEmpty());
  EXPECT_THAT(bash_offers("lectern completion ''"), ElementsAre("bash", "zsh"));
  EXPECT_THAT(bash_offers("lectern nonsense ''"), IsEmpty());
}

TEST(CompletionCommand, IsAScriptThatZshUnderstands) {
  const TempFolder folder;
  const auto outcome = lectern(folder, "completion zsh");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.out.starts_with("#compdef lectern\n"));
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("'read:"), HasSubstr("(f32 bf16 q8 q4)"),
                    HasSubstr(": _values -s , word md txt json html hocr pdf boxes raw'"), Not(HasSubstr("TEXT:("))));
  if (std::system("command -v zsh >/dev/null") != 0) GTEST_SKIP() << "zsh is not installed";
  folder.write("_lectern", outcome.out);
  EXPECT_EQ(std::system(("zsh -n '" + (folder / "_lectern").string() + "'").c_str()), 0);
}

TEST(CompletionCommand, RefusesOtherShells) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "completion fish"), 2, "fish");
  expect_refusal(lectern(folder, "completion"), 2, "SHELL is required");
}

}  // namespace
}  // namespace lectern
