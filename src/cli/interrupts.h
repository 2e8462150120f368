// Ctrl-C and SIGTERM, turned into a stop token while an object lives: the first asks for an end at the next safe point,
// the second ends the process.
#pragma once

#include <stop_token>
#include <thread>

#include "core/descriptor.h"

namespace lectern::cli {

class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  Descriptor read_end_, write_end_;  // of a pipe
  std::thread waiter_;
};

}  // namespace lectern::cli
