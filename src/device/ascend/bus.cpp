#include "device/ascend/bus.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/number.h"
#include "core/text.h"

namespace lectern::ascend {
namespace {

namespace fs = std::filesystem;

// The driver's number of a card by CANN's.
std::optional<int64_t> number_of_driver(int64_t card) {
  const char* const variable = std::getenv("ASCEND_RT_VISIBLE_DEVICES");
  if (variable == nullptr || *variable == '\0') return card;
  std::string_view rest = variable;
  for (; card > 0; --card) {
    const size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
  return whole_number(trimmed(rest.substr(0, rest.find(','))));
}

// "C1:00.0", or with a domain before it, as the system names devices.
std::string address_of(std::string_view text) {
  const std::string address = lower_case(text);
  return std::ranges::count(address, ':') == 1 ? "0000:" + address : address;
}

}  // namespace

// Every card's folder has the table of all, lines as "0000:c1:00.0 ---> 0".
std::string bus_of_card(const std::string& name, const fs::path& system) {
  const std::optional<int64_t> card =
      whole_number(std::string_view(name).substr(std::min(name.find(':'), name.size() - 1) + 1));
  const std::optional<int64_t> number = card ? number_of_driver(*card) : std::nullopt;
  if (!number) return "";
  std::error_code none;
  for (const auto& device : fs::directory_iterator(system / "bus/pci/devices", none)) {
    std::ifstream table(device.path() / "devdrv_sysfs_bdf_to_devid");
    for (std::string line; std::getline(table, line);) {
      const std::string_view row = trimmed(line);
      const size_t end = std::min(row.find(' '), row.size()), begin = row.rfind(' ') + 1;
      if (begin > end && whole_number(row.substr(begin)) == number) return address_of(row.substr(0, end));
    }
  }
  return "";
}

}  // namespace lectern::ascend
