#include "device/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "core/format_bytes.h"
#include "device/cpu/cpu_device.h"
#include "device/device_list.h"
#ifdef LECTERN_ASCEND
#include "device/ascend/ascend_device.h"
#include "device/ascend/bus.h"
#include "device/ascend/hccl.h"
#endif
#include "lectern/error.h"

namespace lectern {
namespace {

// A kind of device. Its devices are named by `name` alone, or by `name`, a colon and a number.
struct Backend {
  std::string_view name;
  std::vector<DeviceDescription> (*list)();
  // Throws Error, with the reason, for a device that is not there.
  std::unique_ptr<Device> (*make)(const DeviceName& name, const OperatorSet& without);
  std::span<const std::string_view> options;  // the names of those that may stand behind the device's
  // As bus_of; null for what is on no bus.
  std::string (*bus)(const std::string& name, const std::filesystem::path& system) = nullptr;
};

constexpr std::array backends = {
    Backend{"cpu",
            [] { return std::vector{describe_cpu()}; },
            [](const DeviceName& name, const OperatorSet& without) {
              describe_device(name.name);
              return make_cpu_device(without);
            },
            {}},
#ifdef LECTERN_ASCEND
    Backend{
        "ascend", ascend::describe_ascend_devices,
        [](const DeviceName& name, const OperatorSet& without) { return ascend::make_ascend_device(name, without); },
        ascend::option_names, ascend::bus_of_card},
#endif
};

const Backend& backend_of(std::string_view name) {
  const auto found = std::ranges::find(backends, name.substr(0, name.find(':')), &Backend::name);
  if (found != backends.end()) return *found;
  std::string names;
  for (const DeviceDescription& device : describe_devices())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", device.info.name);
  throw Error(fmt::format("there is no device '{}'; choose from {}", name, names), ErrorCode::not_found);
}

}  // namespace

std::string memory_text(const DeviceMemory& memory) {
  if (memory.total == 0) return "memory of unknown size";
  return fmt::format("{} of memory, {} free", format_bytes(static_cast<int64_t>(memory.total)),
                     format_bytes(static_cast<int64_t>(memory.free)));
}

std::vector<DeviceSummary> devices() {
  std::vector<DeviceSummary> all;
  for (DeviceDescription& device : describe_devices()) {
    all.push_back({std::move(device.info.name), std::move(device.info.hardware), std::move(device.info.software),
                   static_cast<int64_t>(device.memory.total), static_cast<int64_t>(device.memory.free)});
  }
  return all;
}

std::vector<DeviceDescription> describe_devices() {
  std::vector<DeviceDescription> all;
  for (const Backend& backend : backends) std::ranges::move(backend.list(), std::back_inserter(all));
  return all;
}

DeviceDescription describe_device(std::string_view name) {
  const DeviceName plain = parse_device_name(name);
  const Backend& backend = backend_of(plain.name);
  std::string names;
  for (const DeviceDescription& device : backend.list()) {
    if (device.info.name == plain.name) return device;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", device.info.name);
  }
  throw Error(fmt::format("there is no device '{}'; {}", plain.name,
                          names.empty() ? fmt::format("{} finds none here", backend.name) : "choose from " + names),
              ErrorCode::not_found);
}

std::string bus_of(std::string_view name, const std::filesystem::path& system) {
  const DeviceName plain = parse_device_name(name);
  const auto find = backend_of(plain.name).bus;
  return find == nullptr ? "" : find(plain.name, system);
}

std::unique_ptr<Device> make_device(std::string_view name, const OperatorSet& without) {
  const DeviceName parsed = parse_device_name(name);
  const Backend& backend = backend_of(parsed.name);
  for (const auto& [key, value] : parsed.options) {
    if (std::ranges::find(backend.options, key) != backend.options.end()) continue;
    throw Error(fmt::format("device '{}': has no option '{}'; {}", name, key,
                            backend.options.empty() ? fmt::format("{} takes none", backend.name)
                                                    : fmt::format("choose from {}", fmt::join(backend.options, ", "))),
                ErrorCode::not_found);
  }
  return backend.make(parsed, without);
}

namespace {

std::mutex opened_mutex;

// Never destroyed itself: tensors of static lifetime may outlive main.
std::map<std::string, std::unique_ptr<Device>>& opened_devices() {
  static auto* const opened = new std::map<std::string, std::unique_ptr<Device>>();
  return *opened;
}

}  // namespace

Device& open_device(std::string_view name, std::string_view without) {
  const OperatorSet set = parse_operators(without);
  if (name == "cpu" && set.none()) return cpu_device();
  const std::lock_guard lock(opened_mutex);
  std::unique_ptr<Device>& device = opened_devices()[fmt::format("{} {}", name, set.to_string())];
  if (!device) device = make_device(name, set);
  return *device;
}

void close_devices() noexcept {
  const std::lock_guard lock(opened_mutex);
  opened_devices().clear();
}

std::vector<JoinRanks> connect_ranks(std::span<Device* const> devices) {
#ifdef LECTERN_ASCEND
  if (std::ranges::all_of(devices, [](const Device* device) { return device->info().kind == "ascend"; }))
    return ascend::hccl_ranks(devices);
#endif
  std::vector<JoinRanks> joins;
  joins.reserve(devices.size());
  for (std::unique_ptr<Communicator>& rank : make_in_process_ranks(devices)) {
    joins.emplace_back(
        [held = std::make_shared<std::unique_ptr<Communicator>>(std::move(rank))] { return std::move(*held); });
  }
  return joins;
}

void try_ranks(std::span<Device* const> devices) {
  std::mutex mutex;
  std::exception_ptr failure;
  {
    std::vector<std::jthread> threads;
    for (const JoinRanks& join : connect_ranks(devices)) {
      threads.emplace_back([&mutex, &failure, join] {
        try {
          join();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!failure) failure = std::current_exception();
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace lectern
