#include "device/device_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/number.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int max_number = 1023;

// A number that the text consists of; -1 for anything else, and for one that no device has.
int number_in(std::string_view text) {
  const int64_t number = whole_number(text).value_or(-1);
  return number >= 0 && number <= max_number ? static_cast<int>(number) : -1;
}

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
    device.options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
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
    const int first = number_in(numbers.substr(0, dash - colon - 1)), last = number_in(numbers.substr(dash - colon));
    if (first < 0 || last < first) throw wrong();
    for (int i = first; i <= last; ++i) add(fmt::format("{}:{}", name.substr(0, colon), i), options);
  }
  return devices;
}

}  // namespace lectern
