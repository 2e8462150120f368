// Children written in the shell; tests of input/pdf_helper and reading/worker have real ones.
#include "core/system/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>

#include "core/stopped.h"
#include "core/unique_fd.h"
#include "lectern/error.h"
#include "support/processes.h"

namespace lectern {
namespace {

using testing::runs;

constexpr std::chrono::hours long_enough(1);

ChildOptions script(const std::string& text) {
  return {.arguments = {"-c", text}, .file = -1, .silent = true, .holds_signals = false, .exit_note = ", as it does"};
}

ChildProcess::Deadline deadline(std::chrono::milliseconds time = long_enough) {
  return {std::chrono::steady_clock::now() + time, {}};
}

std::string reason(const std::string& text, std::chrono::milliseconds time = long_enough) {
  ChildProcess child("/bin/sh", script(text));
  const pid_t process = child.process();
  std::byte byte{};
  try {
    child.receive(std::span(&byte, 1), deadline(time));
  } catch (const ChildProcess::Lost& lost) {
    child.ended();
    EXPECT_FALSE(runs(process));
    return lost.reason;
  }
  return "is there";
}

TEST(ChildProcess, IsTalkedToOverItsStandardInput) {
  ChildProcess child("/bin/sh", script("head -c 3 >&0; exec cat >/dev/null"));
  child.send(std::as_bytes(std::span("abc", 3)), deadline());
  std::array<char, 3> back{};
  child.receive(std::as_writable_bytes(std::span(back)), deadline());
  EXPECT_EQ(std::string(back.data(), back.size()), "abc");
  EXPECT_FALSE(child.has_hung_up());
}

TEST(ChildProcess, SaysHowItEnded) {
  EXPECT_EQ(reason("kill -SEGV $$"), "crashed (Segmentation fault)");
  EXPECT_EQ(reason("kill -9 $$"), "was killed");
  EXPECT_EQ(reason("exit 7"), "gave up (exit code 7), as it does");
  EXPECT_EQ(reason("exec sleep 3600", std::chrono::milliseconds(1)), "took too long");
  EXPECT_EQ(reason("printf x >&0; exec sleep 3600"), "is there");
}

TEST(ChildProcess, SaysAgainHowItEnded) {
  ChildProcess child("/bin/sh", script("exit 7"));
  std::byte byte{};
  EXPECT_THROW(child.receive(std::span(&byte, 1), deadline()), ChildProcess::Lost);
  EXPECT_EQ(child.ended().reason, "gave up (exit code 7), as it does");
  EXPECT_THROW(child.receive(std::span(&byte, 1), deadline()), ChildProcess::Lost);
}

// The first byte that the script says.
char said(const ChildOptions& options) {
  ChildProcess child("/bin/sh", options);
  std::byte byte{};
  child.receive(std::span(&byte, 1), deadline());
  return static_cast<char>(byte);
}

TEST(ChildProcess, GetsNoFileThatItWasNotGiven) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd open(::fcntl(null.get(), F_DUPFD, 200));  // as a driver's, not closed on exec
  const std::string looks = "[ -e /proc/$$/fd/" + std::to_string(open.get()) + " ] && printf t >&0; ";
  ChildOptions options = script(looks + "[ -e /proc/$$/fd/3 ] && printf f >&0; printf n >&0; exec cat");
  EXPECT_EQ(said(options), 'n');
  options.file = null.get();
  EXPECT_EQ(said(options), 'f');
}

TEST(ChildProcess, HoldsSignalsWhereItIsToldTo) {
  ChildOptions options = script("for one in INT TERM HUP; do kill -$one $$; done; printf h >&0; exec cat");
  options.holds_signals = true;
  EXPECT_EQ(said(options), 'h');
}

TEST(ChildProcess, EndsByItselfWhereItCan) {
  ChildProcess child("/bin/sh", script("exec cat >/dev/null"));
  const pid_t process = child.process();
  child.finish(long_enough);
  EXPECT_FALSE(runs(process));
  EXPECT_TRUE(child.has_hung_up());
  EXPECT_THROW(child.send(std::as_bytes(std::span("x", 1)), deadline()), ChildProcess::Lost);
}

// A fork has copies of what its parent holds, but the children are its parent's.
TEST(ChildProcess, IsLeftAloneByAForkOfItsParent) {
  auto child = std::make_unique<ChildProcess>("/bin/sh", script("head -c 1 >&0; exec cat >/dev/null"));
  const pid_t fork = ::fork();
  if (fork == 0) {
    child->finish(std::chrono::milliseconds(1));
    child.reset();
    ::_exit(0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(fork, &status, 0), fork);
  EXPECT_EQ(status, 0);
  child->send(std::as_bytes(std::span("a", 1)), deadline());
  std::byte back{};
  child->receive(std::span(&back, 1), deadline());
  EXPECT_EQ(static_cast<char>(back), 'a');
}

TEST(ChildProcess, IsKilledWhereItDoesNotEnd) {
  ChildProcess child("/bin/sh", script("trap '' TERM; exec sleep 3600"));
  const pid_t process = child.process();
  child.finish(std::chrono::milliseconds(1));
  EXPECT_FALSE(runs(process));
}

TEST(ChildProcess, IsNotWaitedForAfterTheRequestToStop) {
  ChildProcess child("/bin/sh", script("exec sleep 3600"));
  std::stop_source stop;
  stop.request_stop();
  std::byte byte{};
  EXPECT_THROW(child.receive(std::span(&byte, 1), {std::chrono::steady_clock::now() + long_enough, stop.get_token()}),
               Stopped);
}

TEST(ChildProcess, ThatIsNoProgramIsRefused) { EXPECT_THROW(ChildProcess("/no/such/program", {}), Error); }

}  // namespace
}  // namespace lectern
