// Runs the binary as a shell does, in a folder of the test's own, with the mini model unless told otherwise.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

#include "core/temp_folder.h"

namespace lectern::testing {

inline const std::string golden_images = TEST_DATA "/goldens/images/";

// As the fake toolkit plays a card; it ends the process at the first rule that is broken, and when something is left.
inline const std::string fake_card = "ASCEND_HOME_PATH='" FAKE_CANN_HOME "' FAKE_CANN_STRICT=1 ";

struct Outcome {
  int code = -1;  // as a shell gives it: 128 and the signal for a process that was killed
  std::string out, err;
};

inline int shell_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

inline std::string in_folder(const TempFolder& folder, const std::string& command) {
  return "cd '" + folder.path().string() + "' && export LECTERN_MODEL='" TEST_DATA "/goldens/mini' && " + command;
}

// The program that ships; where a toolkit is named, the one with the device made with the fake's headers.
inline std::string program(const std::string& environment) {
  return environment.find("ASCEND_HOME_PATH=") == std::string::npos ? LECTERN_BINARY : LECTERN_FAKE_BINARY;
}

// `arguments` are words of the shell, redirections among them.
inline Outcome lectern(const TempFolder& folder, const std::string& arguments, const std::string& environment = "") {
  const std::string command =
      in_folder(folder, environment + " '" + program(environment) + "' >.out 2>.err </dev/null " + arguments);
  const int code = shell_code(std::system(command.c_str()));
  return {code, slurp(folder / ".out"), slurp(folder / ".err")};
}

// One line on standard error that begins with the program's name, nothing on standard output, and no abort.
inline void expect_refusal(const Outcome& outcome, int code, const std::string& reason) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("lectern: ")) << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with('\n')) << outcome.err;
  EXPECT_THAT(outcome.err, ::testing::HasSubstr(reason));
}

// A process whose standard error is a terminal, so that it shows its progress.
class TerminalProcess {
 public:
  // `environment` is a command of the shell that ends in &&.
  TerminalProcess(const TempFolder& folder, const std::string& arguments, const std::string& environment = "") {
    terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || ::grantpt(terminal_) != 0 || ::unlockpt(terminal_) != 0) throw std::runtime_error("no pty");
    const std::string slave = ::ptsname(terminal_);
    const std::string command =
        in_folder(folder, environment + "export TERM=xterm && exec '" LECTERN_BINARY "' >.out 2>" + slave +
                              " </dev/null " + arguments);
    process_ = ::fork();
    if (process_ == 0) {
      std::signal(SIGINT, SIG_DFL);
      std::signal(SIGTERM, SIG_DFL);
      std::signal(SIGHUP, SIG_DFL);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
  }
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;
  ~TerminalProcess() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      wait();
    }
    ::close(terminal_);
  }

  // Whether `text` appeared on the terminal before the process ended and within a minute.
  bool wait_for(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (shown_.find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline || !read_more()) return false;
    }
    return true;
  }

  // Whether `holds` came to hold before the process ended and within a minute. What is shown meanwhile is taken, lest
  // the process wait for its terminal.
  bool wait_until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!holds()) {
      pollfd terminal = {terminal_, POLLIN, 0};
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (::poll(&terminal, 1, 10) != 0 && !read_more()) return holds();
    }
    return true;
  }

  // Whether the process came to catch the signal within a minute.
  bool wait_to_catch(int signal) const {
    const std::string caught = "SigCgt:\t";
    for (int attempt = 0; attempt < 6000; ++attempt, ::usleep(10'000)) {
      const std::string status = slurp("/proc/" + std::to_string(process_) + "/status");
      const size_t at = status.find(caught);
      if (at == std::string::npos) return false;
      if (((std::stoull(status.substr(at + caught.size(), 16), nullptr, 16) >> (signal - 1)) & 1) != 0) return true;
    }
    return false;
  }

  void send(int signal) const { ::kill(process_, signal); }

  int wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return shell_code(status);
  }

  const std::string& shown() const { return shown_; }

 private:
  // False at the end. Before the process has opened the terminal, and after it has closed it, reading fails.
  bool read_more() {
    char bytes[4096];
    const ssize_t got = ::read(terminal_, bytes, sizeof(bytes));
    if (got > 0) {
      shown_.append(bytes, static_cast<size_t>(got));
      return true;
    }
    siginfo_t info{};
    const bool ended = ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
                       info.si_pid == process_;
    ::usleep(10'000);
    return !ended;
  }

  int terminal_ = -1;
  pid_t process_ = -1;
  std::string shown_;
};

}  // namespace lectern::testing
