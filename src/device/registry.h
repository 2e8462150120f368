// The devices of this machine, by name.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/communicator.h"
#include "device/device.h"
#include "lectern/devices.h"

namespace lectern {

// For people: "25.2 GB of memory, 24.0 GB free", or that it is not known.
std::string memory_text(const DeviceMemory& memory);

// Every device that can be opened; devices() of include/lectern/devices.h for those inside.
std::vector<DeviceDescription> describe_devices();
// Throws Error for an unknown name, listing the known ones. Options in the name are ignored.
DeviceDescription describe_device(std::string_view name);

// A device's address on the PCI bus ("0000:c1:00.0"), as found below `system`, which stands for /sys; empty if it has
// none or it is not known. Opens no device.
std::string bus_of(std::string_view name, const std::filesystem::path& system);

// A new device, without the operators of `without`. Tensors and models on it must be destroyed before it. The name may
// carry options, each after a colon: "ascend:0:type=f16:sync=1". docs/devices.md lists them; unknown ones throw Error.
std::unique_ptr<Device> make_device(std::string_view name, const OperatorSet& without = {});

// The shared device of this name and list of operators (as for parse_operators): the same at every call, open until
// close_devices. Thread-safe.
Device& open_device(std::string_view name, std::string_view without = "");
// Closes all open devices but the cpu; everything on them must have been destroyed. A program calls it before it
// returns from main, since drivers cannot be closed by static destructors.
void close_devices() noexcept;

// Connects one rank on each of these devices: cards by their own links, others through the host's memory. Called by the
// thread of rank 0; throws Error if they cannot be connected.
std::vector<JoinRanks> connect_ranks(std::span<Device* const> devices);
// Connects them for a moment, so that what is missing is told before a model is loaded. Throws what the first that
// failed threw.
void try_ranks(std::span<Device* const> devices);

}  // namespace lectern
