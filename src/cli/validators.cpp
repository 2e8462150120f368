#include "cli/validators.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace lectern::cli {

CLI::Validator number_from_to(double min, double max) {
  return {[min, max](std::string& text) {
            double value = 0;
            const bool fits = CLI::detail::lexical_cast(text, value) && value >= min && value <= max;
            return fits ? std::string() : fmt::format("Value {} not in range {} to {}", text, min, max);
          },
          ""};
}

std::string empty_value(const CLI::App& command) {
  constexpr std::string_view names[] = {"FILE", "FOLDER", "LIST", "PAGES"};
  for (const CLI::Option* option : command.get_options()) {
    const std::string type = option->get_type_name();
    const bool named = std::ranges::any_of(names, [&](std::string_view name) { return type.find(name) != type.npos; });
    if (!named || option->count() == 0) continue;
    const auto& given = option->results();
    if (std::ranges::find(given, "") == given.end()) continue;
    return fmt::format("{} '': expected a name; leave the option out for its default", option->get_name());
  }
  return "";
}

}  // namespace lectern::cli
