// Passwords from files, and from a terminal that the test plays.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using ::testing::HasSubstr;
using testing::lectern;
using ::testing::Not;
using testing::Outcome;
using testing::slurp;
using testing::TempFolder;

const std::string locked = TEST_DATA "/pdf/user-and-owner-rc4.pdf";

TEST(PasswordFile, ItsFirstLineIsThePassword) {
  const TempFolder folder;
  folder.write("right", "open\nrest\n");
  folder.write("windows", "open\r\n");
  folder.write("wrong", "Open");
  folder.write("empty", "\nopen\n");
  for (const char* file : {"right", "windows"}) {
    const Outcome outcome = lectern(folder, "read " + locked + " -o out.txt --quiet --password-file " + file);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  EXPECT_THAT(lectern(folder, "read " + locked + " --password-file wrong").err, HasSubstr("does not open it"));
  expect_refusal(lectern(folder, "read " + locked + " --password-file empty"), 2,
                 "empty: holds no password in its first line");
  expect_refusal(lectern(folder, "read " + locked + " --password-file nothing"), 2, "nothing: cannot be opened");
  expect_refusal(lectern(folder, "read " + locked + " --password x --password-file right"), 2, "--password");
}

// What a program that has this terminal shows on it, when `typed` comes after its question, or where there is none, a
// signal; -> its exit code. `shows`: whether the terminal shows again what is typed.
int on_terminal(const TempFolder& folder, const std::string& arguments, const std::string& typed, std::string& shown,
                bool& shows) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_EQ(::grantpt(master), 0);
  EXPECT_EQ(::unlockpt(master), 0);
  const std::string slave = ::ptsname(master);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    const int terminal = ::open(slave.c_str(), O_RDWR);
    ::ioctl(terminal, TIOCSCTTY, 0);
    ::close(master);
    const std::string command = "cd " + folder.path().string() + " && exec " + LECTERN_BINARY + " " + arguments;
    ::_exit(WEXITSTATUS(std::system(command.c_str())));
  }
  bool asked = false;
  for (;;) {
    pollfd wait = {master, POLLIN, 0};
    if (::poll(&wait, 1, 60'000) <= 0) break;
    char buffer[512];
    const ssize_t got = ::read(master, buffer, sizeof buffer);
    if (got <= 0) break;
    shown.append(buffer, static_cast<size_t>(got));
    if (!asked && shown.find("password: ") != std::string::npos) {
      asked = true;
      // The terminal is set up right after the question, and what was typed before is thrown away.
      termios now{};
      do {
        ::usleep(2000);
      } while (::tcgetattr(master, &now) == 0 && (now.c_lflag & ECHO) != 0);
      if (typed.empty()) {
        EXPECT_EQ(::ioctl(master, TIOCSIG, SIGINT), 0);
      } else {
        EXPECT_EQ(::write(master, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
      }
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  termios after{};
  EXPECT_EQ(::tcgetattr(master, &after), 0);
  shows = (after.c_lflag & ECHO) != 0;
  ::close(master);
  EXPECT_TRUE(asked) << shown;
  return WEXITSTATUS(status);
}

TEST(PasswordFile, OfADashIsAskedForOnTheTerminal) {
  const TempFolder folder;
  std::string shown;
  bool shows = false;
  const std::string read = "read " + locked + " -o out.txt --quiet --password-file - 2>err";
  EXPECT_EQ(on_terminal(folder, read, "oqq\x7f\x7fpen\n", shown, shows), 0) << shown << slurp(folder / "err");
  EXPECT_THAT(shown, Not(HasSubstr("pen"))) << "it is not shown";
  EXPECT_TRUE(shows);
  shown.clear();
  EXPECT_EQ(on_terminal(folder, read, "op\x03", shown, shows), 130) << shown;
  EXPECT_TRUE(shows);
  shown.clear();
  EXPECT_EQ(on_terminal(folder, read, "", shown, shows), 130) << shown;
  EXPECT_TRUE(shows) << "after a signal as well";
}

TEST(PasswordFile, OfADashNeedsATerminal) {
  const TempFolder folder;
  // In a session of its own it has none.
  expect_refusal(lectern(folder, "read " + locked + " --password-file -", "setsid -w"), 2,
                 "--password-file -: there is no terminal to ask on");
}

}  // namespace
}  // namespace lectern
