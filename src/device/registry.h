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

// "25.2 GB of memory, 24.0 GB free", or that it is not known.
std::string memory_text(const DeviceMemory& memory);

// Every device that can be opened; devices() of include/lectern/devices.h for those inside.
std::vector<DeviceDescription> describe_devices();
// Throws Error, with the names there are, for any other. Options in the name are not looked at.
DeviceDescription describe_device(std::string_view name);

// Where a device is on the machine's PCI bus ("0000:c1:00.0"), as told below `system`, which stands for /sys; empty
// where it is on none, or that is not known. Opens no device.
std::string bus_of(std::string_view name, const std::filesystem::path& system);

// The name of a device may have options behind it, each after a colon: "ascend:0:type=f16:sync=1". docs/devices.md
// lists them; others are refused by name.
//
// A device of its own that does without some operators. Tensors and models on it must be gone before it is.
std::unique_ptr<Device> make_device(std::string_view name, const OperatorSet& without = {});

// One device for every name and list of operators (as for parse_operators), the same at every call; it lives until
// close_devices. For several threads.
Device& open_device(std::string_view name, std::string_view without = "");
// Ends the devices that were opened, but for the cpu; what lives on them must be gone. A program that ends does this
// before it returns from main, since drivers do not survive their end in static destructors.
void close_devices() noexcept;

// How ranks on these devices, one each, are connected: cards by their own links, others through the host's memory. For
// the thread of rank 0; throws Error where it cannot be done.
std::vector<JoinRanks> connect_ranks(std::span<Device* const> devices);

}  // namespace lectern
