#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using testing::golden_images;
using ::testing::HasSubstr;
using testing::lectern;
using ::testing::Not;
using testing::Outcome;
using testing::TempFolder;

const std::string quick = "read --quiet --mode tiny --max-tokens 2 " + golden_images + "receipt.png ";

TEST(Verbosity, IsSilentUnlessAskedFor) {
  const TempFolder folder;
  const Outcome silent = lectern(folder, quick);
  EXPECT_EQ(silent.code, 0) << silent.err;
  EXPECT_THAT(silent.err, Not(HasSubstr("event=")));
  EXPECT_EQ(lectern(folder, quick, "LECTERN_LOG=off").err, silent.err);
}

TEST(Verbosity, LogsWhatIsChosenAndLeavesTheOutputAsItIs) {
  const TempFolder folder;
  const std::string text = lectern(folder, quick).out;
  for (const auto& [arguments, environment] :
       {std::pair<std::string, std::string>{quick + "-v", ""}, {"-v " + quick, ""}, {quick, "LECTERN_LOG=info"}}) {
    const Outcome logged = lectern(folder, arguments, environment);
    EXPECT_EQ(logged.code, 0) << logged.err;
    EXPECT_EQ(logged.out, text);
    EXPECT_THAT(logged.err, HasSubstr(" level=info event=model.loaded folder="));
    EXPECT_THAT(logged.err, HasSubstr(" weights=f32 "));
    EXPECT_THAT(logged.err, HasSubstr(" event=reader.ready device=cpu mode=tiny "));
    EXPECT_THAT(logged.err, HasSubstr(" event=page.done source=" + golden_images + "receipt.png page=1 mode=tiny "));
    EXPECT_THAT(logged.err, Not(HasSubstr("level=debug")));
  }
}

TEST(Verbosity, LogsWhyWhenGivenTwice) {
  const TempFolder folder;
  for (const auto& [arguments, environment] : {std::pair<std::string, std::string>{quick + "-vv", ""},
                                               {"-v " + quick + "-v", ""},
                                               {quick, "LECTERN_LOG=debug"}}) {
    EXPECT_THAT(lectern(folder, arguments, environment).err, HasSubstr(" level=debug event="));
  }
}

TEST(Verbosity, IsOnEveryCommand) {
  const TempFolder folder;
  for (const char* command : {"models", "inspect", "devices", "completion bash", "manual", "help"}) {
    const Outcome outcome = lectern(folder, std::string(command) + " -v");
    EXPECT_EQ(outcome.code, 0) << command << ": " << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(" event=program.started version=")) << command;
  }
}

TEST(Verbosity, IsNotTheVersion) {
  const TempFolder folder;
  const Outcome version = lectern(folder, "-V");
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, lectern(folder, "--version").out);
  EXPECT_TRUE(version.out.starts_with("lectern ")) << version.out;
  expect_refusal(lectern(folder, "-v", "LECTERN_LOG=off"), 2, "the version is shown by -V");
  expect_refusal(lectern(folder, "models", "LECTERN_LOG=loud"), 2,
                 "LECTERN_LOG is 'loud'; expected off, info or debug");
}

}  // namespace
}  // namespace lectern
