#include "device/device_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/number.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int max_number = 1023;  // of a device

}  // namespace

DeviceName parse_device_name(std::string_view text) {
  DeviceName device;
  size_t begin = std::min(text.find(':'), text.size());
  // A number belongs to the name.
  const size_t second = std::min(text.find(':', std::min(begin + 1, text.size())), text.size());
  if (text.substr(begin, second - begin).find('=') == std::string_view::npos) begin = second;
  device.name = text.substr(0, begin);
  while (begin < text.size()) {
    const size_t end = std::min(text.find(':', begin + 1), text.size());
    const std::string_view option = text.substr(begin + 1, end - begin - 1);
    const size_t equals = option.find('=');
    if (equals == 0 || equals == std::string_view::npos)
      throw Error(fmt::format("device '{}': '{}' is no option; expected name=value", text, option));
    const std::string key(option.substr(0, equals));
    if (std::ranges::find(device.options, key, [](const auto& given) { return given.first; }) != device.options.end())
      throw Error(fmt::format("device '{}': has the option '{}' twice; give it once", text, key));
    device.options.emplace_back(key, option.substr(equals + 1));
    begin = end;
  }
  return device;
}

std::vector<std::string> parse_device_list(std::string_view text) {
  const auto wrong = [&] {
    return Error(
        fmt::format("'{}': is no list of devices; expected one as in cpu, or several as in ascend:0-7,cpu", text));
  };
  std::vector<std::string> devices, names;
  const auto add = [&](const std::string& name, std::string_view options) {
    if (std::ranges::find(names, name) != names.end()) {
      throw Error(fmt::format("'{}': names device {} twice", text, name));
    }
    names.push_back(name);
    devices.push_back(name + std::string(options));
  };
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    begin = end + 1;
    const std::string name = parse_device_name(word).name;
    const std::string_view options = word.substr(name.size());
    const size_t colon = name.find(':');
    const size_t dash = colon == std::string::npos ? colon : name.find('-', colon);
    if (name.empty() || colon == 0) throw wrong();
    if (dash == std::string::npos) {
      add(name, options);
      continue;
    }
    const std::string_view numbers = std::string_view(name).substr(colon + 1);
    const std::optional<int> first = whole_number(numbers.substr(0, dash - colon - 1), 0, max_number);
    const std::optional<int> last = whole_number(numbers.substr(dash - colon), 0, max_number);
    if (!first || !last || *last < *first) throw wrong();
    for (int i = *first; i <= *last; ++i) add(fmt::format("{}:{}", name.substr(0, colon), i), options);
  }
  return devices;
}

namespace {

constexpr int max_ranks = 64;

std::string_view kind_of(std::string_view device) { return device.substr(0, device.find(':')); }

}  // namespace

std::vector<std::string> ranks_of(std::string_view group, int ranks) {
  if (ranks < 1 || ranks > max_ranks)
    throw Error(fmt::format("`tensor_parallel` is {}; expected 1 to {}, usually 2, 4 or 8", ranks, max_ranks));
  if (ranks == 1) return {std::string(group)};
  std::vector<std::string> devices = parse_device_list(group);
  const auto count = static_cast<size_t>(ranks);
  if (devices.size() == 1 && count > 1) {
    if (kind_of(devices.front()) != "cpu") {
      throw Error(
          fmt::format("'{}': a card serves one rank; name {} of them for `tensor_parallel` {}", group, ranks, ranks));
    }
    devices.assign(count, std::string(devices.front()));
  }
  if (devices.size() != count) {
    throw Error(fmt::format("'{}': names {} devices, but `tensor_parallel` {} needs {} for a model", group,
                            devices.size(), ranks, ranks));
  }
  for (const std::string& device : devices) {
    if (kind_of(device) != kind_of(devices.front())) {
      throw Error(fmt::format("'{}': the ranks of one model run on devices of one kind, not on {} and {}", group,
                              kind_of(devices.front()), kind_of(device)),
                  ErrorCode::unsupported);
    }
  }
  return devices;
}

std::vector<std::string> parse_device_groups(std::string_view text, int ranks) {
  std::vector<std::string> devices = parse_device_list(text);
  if (ranks == 1) return devices;
  if (devices.size() == 1) {
    ranks_of(text, ranks);
    return devices;
  }
  const auto count = static_cast<size_t>(ranks);
  if (devices.size() % count != 0) {
    throw Error(
        fmt::format("'{}': names {} devices, which `tensor_parallel` {} cannot make groups of; name a multiple "
                    "of {}",
                    text, devices.size(), ranks, ranks));
  }
  std::vector<std::string> groups;
  for (size_t first = 0; first < devices.size(); first += count) {
    std::string& group = groups.emplace_back();
    for (size_t i = first; i < first + count; ++i) group += (group.empty() ? "" : ",") + devices[i];
    ranks_of(group, ranks);
  }
  return groups;
}

}  // namespace lectern
