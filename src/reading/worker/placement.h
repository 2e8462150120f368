// Placement of devices: which of a list get a process of their own, and on which processors it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/system/processors.h"

namespace lectern {

struct Placement {
  std::string device;  // with the options that are its own; of several ranks as many, between commas
  std::string label;   // for messages; the names of devices, and the socket where one is on several
  bool process = false;
  std::chrono::seconds silence{0};  // after which the process is lost
  int threads = 1;                  // of the process
  Processors processors;            // that the process keeps to; empty: all
};

struct PlacementRules {
  bool processes = false;   // a process for each of several devices, unless an option says otherwise
  int threads = 1;          // of all together
  int ranks = 1;            // of a model, which a process holds all of
  int64_t model_bytes = 0;  // that a process on the CPU takes, about,
  int64_t memory = 0;       // of these; 0: not known
  std::filesystem::path system = system_folder();
};

// Of a list of devices as parse_device_list takes it. The options are processes=on|off and silence=SECONDS. Throws
// Error for others' values.
std::vector<Placement> place_devices(std::string_view list, const PlacementRules& rules);
// One device, in a process whatever its options say.
Placement place_process(const std::string& device, const PlacementRules& rules);

}  // namespace lectern
