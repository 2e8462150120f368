// `lectern read` interrupted, killed, and gone on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "cli/read_command.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using testing::banner;
using testing::expect_refusal;
using testing::files_in;
using testing::golden_images;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::quick;
using testing::receipt;
using testing::slurp;
using ::testing::StartsWith;
using testing::TerminalProcess;
namespace fs = std::filesystem;

class InterruptedRead : public testing::ReadCommand {};

TEST_F(InterruptedRead, CtrlCKeepsTheTextThatWasStreamed) {
  const std::string start = text_of(banner).substr(0, 2);
  fs::remove(folder / ".out");  // of that
  TerminalProcess process(folder, "read --mode tiny " + banner + " " + receipt);
  ASSERT_TRUE(process.wait_until([&] { return slurp(folder / ".out").starts_with(start); })) << process.shown();
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130) << process.shown();
  EXPECT_THAT(process.shown(), HasSubstr("lectern: interrupted"));
  const std::string text = slurp(folder / ".out");
  EXPECT_TRUE(text.ends_with('\n')) << text;
  EXPECT_THAT(text, StartsWith(start));
}

TEST_F(InterruptedRead, CtrlCKeepsFinishedPagesForTheNextRun) {
  const std::string blank = golden_images + "noise.png";  // which is finished at once
  const std::string command = "--mode tiny " + blank + " " + banner + " -o out.txt";
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    TerminalProcess process(folder, "read " + command);
    ASSERT_TRUE(process.wait_for(" tokens, ")) << process.shown();
    process.send(signal);
    EXPECT_EQ(process.wait(), 130) << process.shown();
    EXPECT_THAT(process.shown(), HasSubstr("out.txt.journal: holds what was read (1 page)"));
    EXPECT_FALSE(fs::exists(folder / "out.txt"));
  }
  const Outcome resumed = read(command + " --resume");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("going on from an earlier run: 1 page is not read again"));
  EXPECT_THAT(slurp(folder / "out.txt"), StartsWith(text_of(banner).substr(0, 2)));
  EXPECT_FALSE(fs::exists(folder / "out.txt.journal"));
}

// With every operator replaced the picture is encoded for so long that the signal comes before the prompt.
TEST_F(InterruptedRead, CtrlCBeforeTheFirstTokenEndsSoonAndWritesNothing) {
  folder.write("out.txt", "precious");
  TerminalProcess process(folder, "read --mode large --without all " + receipt + " -o out.txt");
  ASSERT_TRUE(process.wait_for("looking at the page")) << process.shown();
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130);
  EXPECT_THAT(process.shown(), AllOf(HasSubstr("interrupted; no page was finished"), Not(HasSubstr("taking in"))));
  EXPECT_EQ(slurp(folder / "out.txt"), "precious");
}

// The other end of a pipe may be silent for ever.
TEST_F(InterruptedRead, ASignalEndsAnyWait) {
  ASSERT_EQ(::mkfifo((folder / "pipe.png").c_str(), 0600), 0);
  for (const std::string command : {"read --mode tiny pipe.png -o out.txt", "convert pipe.png -o out.md",
                                    "convert - -o out.md <> pipe.png", "read --mode tiny - -o out.txt <> pipe.png"}) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      TerminalProcess process(folder, command);
      ASSERT_TRUE(process.wait_to_catch(signal));
      ::usleep(200'000);  // a signal that comes before the wait is none of this test
      process.send(signal);
      EXPECT_EQ(process.wait(), 130) << command << " " << process.shown();
      EXPECT_EQ(files_in(folder.path()), 2u) << command << ": the pipe and .out";
    }
  }
}

TEST_F(InterruptedRead, AKilledRunLeavesNoHalfFileAndIsGoneOnFrom) {
  const std::string blank = golden_images + "noise.png";
  const std::string command = "--mode tiny --max-tokens 3000 " + blank + " " + banner + " -o out.txt";
  folder.write("out.txt", "precious");
  TerminalProcess process(folder, "read " + command);
  ASSERT_TRUE(process.wait_for(" tokens, ")) << process.shown();
  process.send(SIGKILL);
  EXPECT_EQ(process.wait(), 128 + SIGKILL);
  EXPECT_EQ(slurp(folder / "out.txt"), "precious");
  const Outcome resumed = read(command);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("out.txt.journal: going on from an earlier run: 1 page is not read again"));
  EXPECT_THAT(slurp(folder / "out.txt"), StartsWith(text_of(banner).substr(0, 2)));
}

TEST_F(InterruptedRead, AKilledRunLeavesNoTemporaryFile) {
  const std::string command = "--mode tiny --max-tokens 3000 " + banner + " -o out/ --format txt,pdf";
  TerminalProcess process(folder, "read " + command);
  ASSERT_TRUE(process.wait_for(" tokens, ")) << process.shown();
  process.send(SIGKILL);
  EXPECT_EQ(process.wait(), 128 + SIGKILL);
  EXPECT_EQ(files_in(folder / "out"), 1u) << "the journal";
  folder.write("out/.lectern-1999999999-1.tmp", "of an older version");
  EXPECT_EQ(read(quick + banner + " -o out/ --format txt,pdf").code, 0);
  EXPECT_EQ(files_in(folder / "out"), 2u);
}

TEST_F(InterruptedRead, AReaderThatGoesAwayIsAnErrorOfTheStream) {
  const std::string command = testing::in_folder(
      folder, "('" LECTERN_BINARY "' read --quiet " + quick + banner + "; echo $? >.code) 2>.err | true");
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(slurp(folder / ".code"), "2\n");
  EXPECT_THAT(slurp(folder / ".err"), HasSubstr("standard output: cannot be written: Broken pipe"));
}

TEST_F(InterruptedRead, ResumesOnlyWhatFits) {
  const std::string junk = folder.write("junk.png", "no picture").string();
  EXPECT_EQ(read(quick + banner + " " + junk + " -o out.txt").code, 1);
  for (const std::string resume : {"", " --resume"}) {
    expect_refusal(read("--mode tiny --max-tokens 30 " + banner + " " + junk + " -o out.txt" + resume), 2,
                   "out.txt.journal: holds pages of another run: it was read with max tokens 40, not 30; give that");
  }
  expect_refusal(read(quick + banner + " --resume"), 2, "--resume needs a place where a journal can lie");
  expect_refusal(read(quick + banner + " -o out.txt --resume --restart"), 2, "exclude each other");
  EXPECT_THAT(read(quick + banner + " " + junk + " -o out.txt --resume").err, HasSubstr("1 page is not read again"));
  EXPECT_THAT(read(quick + banner + " " + junk + " -o out.txt --restart").err, Not(HasSubstr("going on")));
}

}  // namespace
}  // namespace lectern
