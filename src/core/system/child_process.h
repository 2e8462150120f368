// A program that runs beside this one and is talked to over a socket on its standard input: started, talked to within
// deadlines, killed and reaped when the object goes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/unique_fd.h"

namespace lectern {

struct ChildOptions {
  std::vector<std::string> arguments;  // behind the program's name
  int file = -1;                       // an open file that it gets as ChildProcess::file_descriptor
  // What it writes to standard error is thrown away; else it goes where that of this process goes. Its standard output
  // goes the same way.
  bool silent = true;
  // Starts with SIGINT, SIGTERM and SIGHUP blocked, so that none reaches it before it has said what it does with them.
  bool holds_signals = false;
  std::string exit_note;  // said behind the exit code of one that ended by itself
};

class ChildProcess {
 public:
  static constexpr int file_descriptor = 3;

  // It died, fell silent or talks nonsense: it is of no more use.
  struct Lost {
    std::string reason;  // "crashed (Segmentation fault)"
  };
  // The latest time of an answer; time for which this process was itself held, as by SIGSTOP, is added. Stopped is
  // thrown soon after a request to stop.
  struct Deadline {
    std::chrono::steady_clock::time_point time;
    std::stop_token stop;
  };

  // Starts `program` with no other file of this process than those named, whether that is closed on exec or not.
  // Throws Error.
  ChildProcess(const std::filesystem::path& program, const ChildOptions& options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // All of the bytes, or Lost or Stopped is thrown.
  void send(std::span<const std::byte> bytes, const Deadline& deadline);
  void receive(std::span<std::byte> bytes, const Deadline& deadline);

  // Whether it has closed its end, as it does when it ends.
  bool has_hung_up() const;
  // Closes this end, on which a child that means well ends by itself, and waits for that, or kills it.
  void finish(std::chrono::milliseconds grace);
  // Kills and reaps it. -> how it ended, however often it is asked.
  Lost ended();

  pid_t process() const { return process_; }

 private:
  void wait_for(short events, const Deadline& deadline);
  bool reap(std::chrono::milliseconds patience);
  int end();

  std::string exit_note_;
  UniqueFd channel_;
  pid_t process_ = -1;  // none once it was reaped
  pid_t parent_;        // a fork of this process leaves the child alone
  int status_ = 0;      // then, as of waitpid()
};

}  // namespace lectern
