// Signals that come while the program starts; read_test sends them later.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

// Runs `lectern --version`. `prepare` is called in its process before it starts.
template <typename Prepare>
pid_t start(const Prepare& prepare) {
  const pid_t process = ::fork();
  if (process == 0) {
    ::unsetenv("OMP_WAIT_POLICY");
    ::unsetenv("GOMP_SPINCOUNT");
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
    ::dup2(::open("/dev/null", O_RDWR | O_CLOEXEC), STDOUT_FILENO);
    prepare();
    ::execl(LECTERN_BINARY, "lectern", "--version", nullptr);
    ::_exit(127);
  }
  return process;
}

int code_of(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return testing::shell_code(status);
}

// Whether the traced process came to stop where it has become another program.
bool stops_as_new_program(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) == process && WIFSTOPPED(status)) {
    if (WSTOPSIG(status) == SIGTRAP) return true;
    ::ptrace(PTRACE_CONT, process, nullptr, WSTOPSIG(status));
  }
  return false;
}

// The exit code of a program that gets the signal when it has started itself anew, and is far from its main.
int code_after_signal_between_starts(int signal, bool ignored) {
  const pid_t process = start([&] {
    if (ignored) std::signal(signal, SIG_IGN);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  });
  for (const bool last : {false, true}) {
    if (!stops_as_new_program(process)) return -1;
    if (last) ::kill(process, signal);
    ::ptrace(last ? PTRACE_DETACH : PTRACE_CONT, process, nullptr, nullptr);
  }
  return code_of(process);
}

bool may_trace() {
  const pid_t process = start([] { ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1); });
  return code_of(process) == 0;
}

TEST(Interrupts, ASignalDuringTheStartEndsTheProgramInOrder) {
  if (!may_trace()) GTEST_SKIP() << "no process may be traced here";
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(code_after_signal_between_starts(signal, false), 130) << signal;
  }
}

TEST(Interrupts, WhatIsIgnoredFromTheStartStaysSo) {
  if (!may_trace()) GTEST_SKIP() << "no process may be traced here";
  EXPECT_EQ(code_after_signal_between_starts(SIGHUP, true), 0);
}

// As some programs leave it to those that they start.
TEST(Interrupts, ASignalThatWasHeldBeforeTheStartIsHeard) {
  const pid_t process = start([] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::raise(SIGTERM);
  });
  EXPECT_EQ(code_of(process), 130);
}

}  // namespace
}  // namespace lectern
