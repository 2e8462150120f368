#include "device/device_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int largest_number = 1023;

// A number that the text consists of; -1 for anything else, and for one that no device has.
int number_in(std::string_view text) {
  int number = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = code == std::errc() && end == text.data() + text.size();
  return all && number <= largest_number ? number : -1;
}

}  // namespace

std::vector<std::string> parse_device_list(std::string_view text) {
  const auto wrong = [&] {
    return Error(
        fmt::format("'{}': is no list of devices; expected one as in cpu, or several as in ascend:0-7,cpu", text));
  };
  std::vector<std::string> devices;
  const auto add = [&](std::string name) {
    if (std::ranges::find(devices, name) != devices.end()) {
      throw Error(fmt::format("'{}': names device {} twice", text, name));
    }
    devices.push_back(std::move(name));
  };
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t colon = word.find(':');
    const size_t dash = colon == std::string_view::npos ? colon : word.find('-', colon);
    if (word.empty() || colon == 0) throw wrong();
    if (dash == std::string_view::npos) {
      add(std::string(word));
      continue;
    }
    const int first = number_in(word.substr(colon + 1, dash - colon - 1)), last = number_in(word.substr(dash + 1));
    if (first < 0 || last < first) throw wrong();
    for (int i = first; i <= last; ++i) add(fmt::format("{}:{}", word.substr(0, colon), i));
  }
  return devices;
}

}  // namespace lectern
