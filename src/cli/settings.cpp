#include "cli/settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lectern::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 20> options = {{
    {"batch", "--batch"},
    {"data", "--data"},
    {"decrypt", "--decrypt"},
    {"dpi", "--dpi"},
    {"existing_text", "--existing-text"},
    {"force_mode", "--force-mode"},
    {"invalidate_signatures", "--invalidate-signatures"},
    {"max_tiles", "--max-tiles"},
    {"max_tokens", "--max-tokens"},
    {"mirror", "--mirror"},
    {"mode", "--mode"},
    {"out", "-o"},
    {"pages", "--pages"},
    {"pages_together", "--pages-together"},
    {"password", "--password"},
    {"prompt", "--prompt"},
    {"resume = never", "--restart"},
    {"resume = required", "--resume"},
    {"tensor_parallel", "--tensor-parallel"},
    {"weights", "--weights"},
}};

}  // namespace

std::string with_options(std::string_view message) {
  std::string text;
  for (;;) {
    const size_t open = message.find('`');
    const size_t close = open == std::string_view::npos ? open : message.find('`', open + 1);
    if (close == std::string_view::npos) return text.append(message);
    const std::string_view setting = message.substr(open + 1, close - open - 1);
    const auto* const found =
        std::ranges::find(options, setting, &std::pair<std::string_view, std::string_view>::first);
    if (found == options.end()) {
      text.append(message.substr(0, close));  // the second one may be the first of others
      message.remove_prefix(close);
    } else {
      text.append(message.substr(0, open)).append(found->second);
      message.remove_prefix(close + 1);
    }
  }
}

}  // namespace lectern::cli
