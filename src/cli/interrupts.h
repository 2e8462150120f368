// Ctrl-C, SIGTERM and SIGHUP. From the first lines of main on they end the process with exit code 130; while an object
// lives, the first asks for an end at the next safe point by a stop token, the second ends the process. SIGPIPE is
// ignored from then on, so that a reader who goes away is an error of the stream.
#pragma once

#include <stop_token>
#include <thread>

#include "core/unique_fd.h"

namespace lectern::cli {

// What comes meanwhile waits, in a program that the process goes on as (exec) too.
void hold_signals();
// From now on they end the process with exit code 130, those that were held at once. What is ignored from the start, as
// under nohup, stays so.
void end_when_signalled();
// Called, in the handler, before a signal ends the process; nullptr: nothing.
void before_sudden_end(void (*what)());

class Interrupts {
 public:
  enum class First {
    stops,  // the token
    ends,   // the process, at once, with exit code 130: for work that leaves nothing half done
  };

  explicit Interrupts(First first = First::stops);
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  // What the first signal does from now on. -> what it did before
  static First set(First first);
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  UniqueFd read_end_, write_end_;  // of a pipe
  std::thread waiter_;
};

}  // namespace lectern::cli
