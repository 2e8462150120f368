#include "core/threads.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace lectern {
namespace {

// Processors' worth of time that the control group grants, rounded up; 0 when it sets no limit.
int control_group_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  const double processors = std::strtod(quota.c_str(), nullptr) / period;
  return processors > 0 ? std::max(1, static_cast<int>(processors + 0.999)) : 0;
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  int count = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) count = std::max(1, CPU_COUNT(&set));
  const int quota = control_group_quota();
  return quota > 0 ? std::min(count, quota) : count;
}

void set_threads(int count) { omp_set_num_threads(count > 0 ? count : available_threads()); }

}  // namespace lectern
