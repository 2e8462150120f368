#include "reading/worker/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/log.h"
#include "core/number.h"
#include "device/device_list.h"
#include "device/registry.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Loading, and the step that encodes a page, are the longest that a process says nothing for.
constexpr std::chrono::seconds usual_silence(600);
constexpr int max_silence = 86'400;

struct Wish {
  Placement placement;
  std::optional<bool> process;
};

bool parse_switch(const std::string& device, const std::string& word) {
  if (word == "on" || word == "off") return word == "on";
  throw Error(fmt::format("device '{}': processes is '{}'; expected on or off", device, word));
}

std::chrono::seconds parse_silence(const std::string& device, const std::string& word) {
  const std::optional<int> seconds = whole_number(word, 1, max_silence);
  if (!seconds)
    throw Error(fmt::format("device '{}': silence is '{}'; expected seconds, 1 to {}", device, word, max_silence));
  return std::chrono::seconds(*seconds);
}

void add_device(Wish& wish, const std::string& device) {
  const DeviceName name = parse_device_name(device);
  Placement& placement = wish.placement;
  placement.label += (placement.label.empty() ? "" : "+") + name.name;
  placement.device += (placement.device.empty() ? "" : ",") + name.name;
  for (const auto& [key, value] : name.options) {
    if (key == "processes") {
      wish.process = parse_switch(device, value);
    } else if (key == "silence") {
      wish.placement.silence = parse_silence(device, value);
    } else {
      wish.placement.device += fmt::format(":{}={}", key, value);
    }
  }
}

// Of a device, or of several that hold one model together: what one of them asks for holds for all.
Wish wish_of(const std::string& group) {
  Wish wish;
  wish.placement.silence = usual_silence;
  for (const std::string& device : parse_device_list(group)) add_device(wish, device);
  return wish;
}

// Next to the device's bus, where that is known.
void keep_near(Placement& one, const std::filesystem::path& system) {
  const std::string first = one.device.substr(0, one.device.find(','));  // others of a model are mostly beside it
  one.processors = processors_near(system, bus_of(first, system));
}

// An even share of the threads, but no more than processors.
void share_threads(Placement& one, int threads, int processes) {
  one.threads = std::max(1, threads / std::max(1, processes));
  if (!one.processors.empty()) one.threads = std::min(one.threads, static_cast<int>(one.processors.size()));
}

// The CPU alone, on several sockets with memory for the model each.
std::vector<Placement> place_on_sockets(const Wish& wish, const PlacementRules& rules) {
  const bool wanted = wish.process.value_or(rules.processes) && wish.placement.label == "cpu";
  if (!wanted) return {};
  std::vector<Processors> all = sockets(rules.system);
  if (all.size() < 2) return {};
  const auto count = static_cast<int64_t>(all.size());
  if (!wish.process && rules.memory > 0 && rules.memory / count < rules.model_bytes) {
    log_info("sockets.share_one_process", {{"because", "the model does not fit once for each"}, {"sockets", count}});
    return {};
  }
  std::vector<Placement> placements;
  for (Processors& processors : all) {
    Placement& one = placements.emplace_back(wish.placement);
    one.label = fmt::format("cpu:socket={}", placements.size() - 1);
    one.process = true;
    one.processors = std::move(processors);
  }
  return placements;
}

}  // namespace

std::vector<Placement> place_devices(std::string_view list, const PlacementRules& rules) {
  std::vector<Wish> wishes;
  const std::vector<std::string> groups = parse_device_groups(list, rules.ranks);
  wishes.reserve(groups.size());
  for (const std::string& group : groups) wishes.push_back(wish_of(group));
  std::vector<Placement> placements;
  if (wishes.size() == 1 && rules.ranks == 1) placements = place_on_sockets(wishes.front(), rules);
  if (placements.empty()) {
    for (Wish& wish : wishes) {
      Placement& one = placements.emplace_back(std::move(wish.placement));
      one.process = wish.process.value_or(rules.processes && wishes.size() > 1);
      if (one.process) keep_near(one, rules.system);
    }
  }
  const auto processes = static_cast<int>(std::ranges::count_if(placements, &Placement::process));
  for (Placement& one : placements) share_threads(one, rules.threads, processes);
  return placements;
}

Placement place_process(const std::string& device, const PlacementRules& rules) {
  Placement one = wish_of(device).placement;
  one.process = true;
  keep_near(one, rules.system);
  share_threads(one, rules.threads, 1);
  return one;
}

}  // namespace lectern
