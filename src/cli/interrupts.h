// Ctrl-C and SIGTERM, turned into a stop token while an object lives: the first asks for an end at the next safe point,
// the second ends the process.
#pragma once

#include <stop_token>
#include <thread>

namespace lectern::cli {

class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  std::stop_token token() const { return stop_.get_token(); }
  bool requested() const { return stop_.stop_requested(); }

 private:
  std::stop_source stop_;
  int read_end_ = -1, write_end_ = -1;
  std::thread waiter_;
};

}  // namespace lectern::cli
