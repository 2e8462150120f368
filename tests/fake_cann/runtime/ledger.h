// What was asked of the card and of the host, counted: launches, copies, waits, bytes and arithmetic.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fake_cann/runtime/state.h"

namespace fake_cann {

struct Task;

struct LaunchCost {
  bool repeated = false;  // without its first half
  int hidden_copies = 0;
  int ai_cpu = 0;
  double bytes = 0;
  double operations = 0;
};

void count_launch(const std::string& operation, const LaunchCost& cost);
// The host's part of a call that is captured: it costs the card nothing yet.
void count_captured(const std::string& operation, const LaunchCost& cost);
// The card's part of all that was captured.
void count_replay(const std::vector<Task>& tasks);
// Work of HCCL to which the card gives so many bytes.
void count_exchange(const std::string& operation, size_t bytes);
void count_upload();
void count_download(size_t bytes);
// The host waits for work that is not done.
void count_wait();
void forget_costs();

}  // namespace fake_cann
