#include "fake_cann/runtime/ledger.h"

#include <map>
#include <mutex>

#include "fake_cann/runtime/stream.h"

namespace fake_cann {
namespace {

struct Ledger {
  std::mutex mutex;
  FakeCannCosts costs = {};
  std::map<int32_t, FakeCannCosts> costs_of;  // of each card
  struct Calls {
    uint64_t full = 0, repeated = 0, replayed = 0, hidden = 0, ai_cpu = 0;
  };
  std::map<std::string, Calls> by_operation;
};

Ledger& ledger() {
  static auto* const instance = new Ledger;  // never destroyed: threads may still call at the end of the process
  return *instance;
}

// Under the mutex: add(sums) for all cards together and for that of the thread.
template <typename Add>
void tally(const Add& add) {
  add(ledger().costs);
  add(ledger().costs_of[thread_device()]);
}

void add_host_part(const std::string& operation, const LaunchCost& cost) {
  tally([&](FakeCannCosts& sums) { ++(cost.repeated ? sums.repeated_calls : sums.full_calls); });
  Ledger::Calls& own = ledger().by_operation[operation];
  ++(cost.repeated ? own.repeated : own.full);
}

void add_card_part(const std::string& operation, const LaunchCost& cost) {
  const auto hidden = static_cast<uint64_t>(cost.hidden_copies), ai_cpu = static_cast<uint64_t>(cost.ai_cpu);
  tally([&](FakeCannCosts& sums) {
    ++sums.launches;
    sums.hidden_copies += hidden;
    sums.ai_cpu += ai_cpu;
    sums.bytes += cost.bytes;
    sums.operations += cost.operations;
  });
  Ledger::Calls& own = ledger().by_operation[operation];
  own.hidden += hidden;
  own.ai_cpu += ai_cpu;
}

}  // namespace

void count_launch(const std::string& operation, const LaunchCost& cost) {
  const std::lock_guard held(ledger().mutex);
  add_host_part(operation, cost);
  add_card_part(operation, cost);
}

void count_captured(const std::string& operation, const LaunchCost& cost) {
  const std::lock_guard held(ledger().mutex);
  add_host_part(operation, cost);
}

void count_replay(const std::vector<Task>& tasks) {
  const std::lock_guard held(ledger().mutex);
  tally([](FakeCannCosts& sums) { ++sums.graph_launches; });
  for (const Task& task : tasks) {
    if (!task.cost) continue;
    add_card_part(task.name, *task.cost);
    tally([](FakeCannCosts& sums) { ++sums.replayed; });
    ++ledger().by_operation[task.name].replayed;
  }
}

void count_exchange(const std::string& operation, size_t bytes) {
  const std::lock_guard held(ledger().mutex);
  tally([&](FakeCannCosts& sums) {
    ++sums.exchanges;
    sums.exchange_bytes += static_cast<double>(bytes);
  });
  ++ledger().by_operation[operation].full;
}

void count_upload() {
  const std::lock_guard held(ledger().mutex);
  tally([](FakeCannCosts& sums) { ++sums.uploads; });
}

void count_download(size_t bytes) {
  const std::lock_guard held(ledger().mutex);
  tally([&](FakeCannCosts& sums) {
    ++sums.downloads;
    sums.download_bytes += bytes;
  });
}

void count_wait() {
  const std::lock_guard held(ledger().mutex);
  tally([](FakeCannCosts& sums) { ++sums.waits; });
}

void forget_costs() {
  const std::lock_guard held(ledger().mutex);
  ledger().costs = {};
  ledger().costs_of.clear();
  ledger().by_operation.clear();
}

}  // namespace fake_cann

using fake_cann::ledger;

extern "C" {

FakeCannCosts fake_cann_costs(void) {
  const std::lock_guard held(ledger().mutex);
  return ledger().costs;
}

FakeCannCosts fake_cann_costs_of(int32_t device) {
  const std::lock_guard held(ledger().mutex);
  const auto found = ledger().costs_of.find(device);
  return found == ledger().costs_of.end() ? FakeCannCosts{} : found->second;
}

void fake_cann_forget_costs(void) { fake_cann::forget_costs(); }

const char* fake_cann_cost_lines(void) {
  thread_local std::string text;
  const std::lock_guard held(ledger().mutex);
  text.clear();
  for (const auto& [name, calls] : ledger().by_operation) {
    text += name + ": " + std::to_string(calls.full) + " full, " + std::to_string(calls.repeated) + " repeated, " +
            std::to_string(calls.replayed) + " replayed, " + std::to_string(calls.hidden) + " hidden, " +
            std::to_string(calls.ai_cpu) + " AI CPU\n";
  }
  return text.c_str();
}

}  // extern "C"
