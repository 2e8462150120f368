#include "device/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "core/size_text.h"
#include "device/cpu/cpu_device.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// A kind of device. Its devices are named by `name` alone, or by `name`, a colon and a number.
struct Backend {
  std::string_view name;
  std::vector<DeviceDescription> (*list)();
  std::unique_ptr<Device> (*make)(std::string_view name, const OperatorSet& without);
};

constexpr std::array backends = {
    Backend{"cpu", [] { return std::vector{describe_cpu()}; },
            [](std::string_view, const OperatorSet& without) { return make_cpu_device(without); }},
};

const Backend& backend_of(std::string_view name) {
  const auto found = std::ranges::find(backends, name.substr(0, name.find(':')), &Backend::name);
  if (found != backends.end()) return *found;
  std::string names;
  for (const DeviceDescription& device : devices())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", device.name);
  throw Error(fmt::format("there is no device '{}'; choose from {}", name, names));
}

}  // namespace

std::string memory_text(const DeviceDescription& device) {
  if (device.memory == 0) return "memory of unknown size";
  return fmt::format("{} of memory, {} free", size_text(static_cast<int64_t>(device.memory)),
                     size_text(static_cast<int64_t>(device.free_memory)));
}

std::vector<DeviceDescription> devices() {
  std::vector<DeviceDescription> all;
  for (const Backend& backend : backends) std::ranges::move(backend.list(), std::back_inserter(all));
  return all;
}

DeviceDescription describe_device(std::string_view name) {
  const Backend& backend = backend_of(name);
  std::string names;
  for (const DeviceDescription& device : backend.list()) {
    if (device.name == name) return device;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", device.name);
  }
  throw Error(fmt::format("there is no device '{}'; {}", name,
                          names.empty() ? fmt::format("{} finds none here", backend.name) : "choose from " + names));
}

std::unique_ptr<Device> make_device(std::string_view name, const OperatorSet& without) {
  const DeviceDescription known = describe_device(name);
  return backend_of(name).make(known.name, without);
}

Device& open_device(std::string_view name, std::string_view without) {
  const OperatorSet set = parse_operators(without);
  if (name == "cpu" && set.none()) return cpu_device();
  // Never destroyed: tensors of static lifetime may outlive main.
  static auto* const opened = new std::map<std::string, std::unique_ptr<Device>>();
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Device>& device = (*opened)[fmt::format("{} {}", name, set.to_string())];
  if (!device) device = make_device(name, set);
  return *device;
}

}  // namespace lectern
