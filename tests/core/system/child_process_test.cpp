// Children written in the shell; tests of input/pdf_helper and reading/worker have real ones.
#include "core/system/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>

#include "core/stopped.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::chrono::hours long_enough(1);

ChildOptions script(const std::string& text) {
  return {.arguments = {"-c", text}, .file = -1, .silent = true, .exit_note = ", as it does"};
}

ChildProcess::Deadline deadline(std::chrono::milliseconds time = long_enough) {
  return {std::chrono::steady_clock::now() + time, {}};
}

bool runs(pid_t process) { return ::kill(process, 0) == 0; }

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

TEST(ChildProcess, EndsByItselfWhereItCan) {
  ChildProcess child("/bin/sh", script("exec cat >/dev/null"));
  const pid_t process = child.process();
  child.finish(long_enough);
  EXPECT_FALSE(runs(process));
  EXPECT_TRUE(child.has_hung_up());
  EXPECT_THROW(child.send(std::as_bytes(std::span("x", 1)), deadline()), ChildProcess::Lost);
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
