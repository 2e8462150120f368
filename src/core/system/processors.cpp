#include "core/system/processors.h"

#include <sched.h>

#include <algorithm>
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

// A number that the text consists of; -1 for anything else.
int number_in(std::string_view text) {
  const std::optional<int64_t> number = whole_number(text);
  return number && *number >= 0 && *number <= std::numeric_limits<int>::max() ? static_cast<int>(*number) : -1;
}

using Mask = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;
Mask make_mask() {
  return {CPU_ALLOC(max_processors), [](cpu_set_t* all) { CPU_FREE(all); }};
}
constexpr size_t mask_size = CPU_ALLOC_SIZE(max_processors);

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
    const int number = name.starts_with("node") ? number_in(std::string_view(name).substr(4)) : -1;
    if (number < 0) continue;
    Processors processors = parse_processors(line_of(entry.path() / "cpulist"));
    if (!processors.empty()) all[number] = std::move(processors);
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
    const int first = number_in(range.substr(0, dash));
    const int last = dash == range.size() ? first : number_in(range.substr(dash + 1));
    if (first < 0 || last < first || last >= max_processors) return {};
    for (int processor = first; processor <= last; ++processor) processors.push_back(processor);
    begin = end + 1;
  }
  std::ranges::sort(processors);
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

Processors allowed_processors() {
  Processors processors;
  const Mask mask = make_mask();
  if (mask == nullptr || ::sched_getaffinity(0, mask_size, mask.get()) != 0) return processors;
  for (int processor = 0; processor < max_processors; ++processor) {
    if (CPU_ISSET_S(static_cast<size_t>(processor), mask_size, mask.get())) processors.push_back(processor);
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
  const int node = number_in(line_of(device / "numa_node"));  // -1 where the board does not say
  if (node < 0) return {};
  Processors near = parse_processors(line_of(device / "local_cpulist"));
  if (near.empty()) {
    const auto all = nodes(system);
    if (const auto found = all.find(node); found != all.end()) near = found->second;
  }
  const Processors allowed = allowed_processors();
  near = common(near, allowed);
  return near == allowed ? Processors() : near;
}

bool keep_to(std::span<const int> processors) {
  const Mask mask = make_mask();
  if (mask == nullptr || processors.empty()) return false;
  CPU_ZERO_S(mask_size, mask.get());
  for (const int processor : processors) CPU_SET_S(static_cast<size_t>(processor), mask_size, mask.get());
  if (::sched_setaffinity(0, mask_size, mask.get()) != 0) return false;
  std::error_code none;
  for (const auto& thread : fs::directory_iterator("/proc/self/task", none)) {
    // One that has just ended is none of ours.
    static_cast<void>(::sched_setaffinity(number_in(thread.path().filename().string()), mask_size, mask.get()));
  }
  return true;
}

}  // namespace lectern
