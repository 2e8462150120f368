#include "core/system/processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "core/number.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

constexpr int max_processors = 1 << 16;

// The first line of a file of /sys; empty where there is none.
std::string line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.pop_back();
  return line;
}

constexpr int max_number = std::numeric_limits<int>::max();

using Mask = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;
Mask make_mask(int processors) {
  return {CPU_ALLOC(static_cast<size_t>(processors)), [](cpu_set_t* all) { CPU_FREE(all); }};
}

Processors common(const Processors& a, const Processors& b) {
  Processors both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both;
}

// The processors of every node of memory that has some, by the node's number.
std::map<int, Processors> nodes(const fs::path& system) {
  std::map<int, Processors> all;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(system / "devices/system/node", none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("node")) continue;
    const std::optional<int> number = whole_number(std::string_view(name).substr(4), 0, max_number);
    if (!number) continue;
    Processors processors = parse_processors(line_of(entry.path() / "cpulist"));
    if (!processors.empty()) all[*number] = std::move(processors);
  }
  return all;
}

}  // namespace

fs::path system_folder() {
  const char* const named = std::getenv("LECTERN_SYS");
  return named != nullptr && *named != '\0' ? named : "/sys";
}

Processors parse_processors(std::string_view text) {
  Processors processors;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view range = text.substr(begin, end - begin);
    const size_t dash = std::min(range.find('-'), range.size());
    const std::optional<int> first = whole_number(range.substr(0, dash), 0, max_processors - 1);
    const std::optional<int> last =
        dash == range.size() ? first : whole_number(range.substr(dash + 1), 0, max_processors - 1);
    if (!first || !last || *last < *first) return {};
    for (int processor = *first; processor <= *last; ++processor) processors.push_back(processor);
    begin = end + 1;
  }
  std::ranges::sort(processors);
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

// The system refuses a mask shorter than its own, whose length it does not tell.
Processors allowed_processors() {
  Processors processors;
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    const Mask mask = make_mask(most);
    if (mask == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(static_cast<size_t>(most));
    if (::sched_getaffinity(0, size, mask.get()) == 0) {
      for (int processor = 0; processor < most; ++processor) {
        if (CPU_ISSET_S(static_cast<size_t>(processor), size, mask.get())) processors.push_back(processor);
      }
      break;
    }
    if (errno != EINVAL) break;
  }
  return processors;
}

// A socket may have several nodes. One node is one socket, whatever a virtual machine says of its packages.
std::vector<Processors> sockets(const fs::path& system) {
  const Processors allowed = allowed_processors();
  std::map<std::string, Processors> packages;
  for (const auto& [node, processors] : nodes(system)) {
    const fs::path first = system / "devices/system/cpu" / ("cpu" + std::to_string(processors.front()));
    const std::string package = line_of(first / "topology/physical_package_id");
    Processors& own = packages[package.empty() ? "node " + std::to_string(node) : package];
    std::ranges::copy(common(processors, allowed), std::back_inserter(own));
  }
  std::vector<Processors> all;
  for (auto& [package, processors] : packages) {
    std::ranges::sort(processors);
    if (!processors.empty()) all.push_back(std::move(processors));
  }
  std::ranges::sort(all);
  if (all.empty()) all.push_back(allowed);
  return all;
}

Processors processors_near(const fs::path& system, const std::string& bus_address) {
  if (bus_address.empty()) return {};
  const fs::path device = system / "bus/pci/devices" / bus_address;
  // -1 where the board does not say.
  const std::optional<int> node = whole_number(line_of(device / "numa_node"), 0, max_number);
  if (!node) return {};
  Processors near = parse_processors(line_of(device / "local_cpulist"));
  if (near.empty()) {
    const auto all = nodes(system);
    if (const auto found = all.find(*node); found != all.end()) near = found->second;
  }
  const Processors allowed = allowed_processors();
  near = common(near, allowed);
  return near == allowed ? Processors() : near;
}

bool keep_to(std::span<const int> processors) {
  constexpr size_t mask_size = CPU_ALLOC_SIZE(max_processors);
  const Mask mask = make_mask(max_processors);
  if (mask == nullptr || processors.empty()) return false;
  CPU_ZERO_S(mask_size, mask.get());
  for (const int processor : processors) CPU_SET_S(static_cast<size_t>(processor), mask_size, mask.get());
  if (::sched_setaffinity(0, mask_size, mask.get()) != 0) return false;
  std::error_code none;
  for (const auto& thread : fs::directory_iterator("/proc/self/task", none)) {
    // One that has just ended is none of ours.
    const std::optional<int> number = whole_number(thread.path().filename().string(), 0, max_number);
    if (number) static_cast<void>(::sched_setaffinity(*number, mask_size, mask.get()));
  }
  return true;
}

}  // namespace lectern
