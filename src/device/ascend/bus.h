// Where a card is on the machine's PCI bus, as its driver tells.
#pragma once

#include <filesystem>
#include <string>

namespace lectern::ascend {

// "ascend:2" -> "0000:81:00.0"; empty where the driver's table is not below `system`, which stands for /sys, or the
// card not in it. Cards are counted as CANN counts them, among those that ASCEND_RT_VISIBLE_DEVICES leaves.
std::string bus_of_card(const std::string& name, const std::filesystem::path& system);

}  // namespace lectern::ascend
