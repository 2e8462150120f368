// Structured log lines (spdlog behind): log_info("model.loaded", {{"folder", folder}, {"threads", 8}}). Nothing is
// formatted unless lectern/log.h was asked for that level. An event is named room.what_happened, keys are snake_case.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "lectern/log.h"

namespace lectern {

// A key and its value: text, a path, a number or a truth. Borrows text; lives no longer than the call.
struct LogField {
  template <typename Value>
  LogField(std::string_view name, const Value& given) : key(name) {
    if constexpr (std::is_same_v<Value, bool>) {
      value = std::string_view(given ? "true" : "false");
    } else if constexpr (std::is_integral_v<Value>) {
      value = static_cast<int64_t>(given);
    } else if constexpr (std::is_floating_point_v<Value>) {
      value = static_cast<double>(given);
    } else if constexpr (std::is_same_v<Value, std::filesystem::path>) {
      value = std::string_view(given.native());
    } else {
      value = std::string_view(given);
    }
  }

  std::string_view key;
  std::variant<std::string_view, int64_t, double> value;
};

bool log_enabled(LogLevel level) noexcept;
void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

inline void log_info(std::string_view event, std::initializer_list<LogField> fields) {
  if (log_enabled(LogLevel::info)) log_line(LogLevel::info, event, fields);
}
inline void log_debug(std::string_view event, std::initializer_list<LogField> fields) {
  if (log_enabled(LogLevel::debug)) log_line(LogLevel::debug, event, fields);
}

}  // namespace lectern
