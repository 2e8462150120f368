// Ctrl-C, SIGTERM and SIGHUP while an object lives: the first asks for an end at the next safe point by a stop token,
// the second ends the process. SIGPIPE is ignored, so that a reader who goes away is an error of the stream.
#pragma once

#include <stop_token>
#include <thread>

#include "core/unique_fd.h"

namespace lectern::cli {

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

  // What the first signal does from now on.
  static void set(First first);
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  UniqueFd read_end_, write_end_;  // of a pipe
  std::thread waiter_;
};

}  // namespace lectern::cli
