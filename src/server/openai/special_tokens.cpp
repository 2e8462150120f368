#include "server/openai/special_tokens.h"

#include <algorithm>

#include "core/text.h"

namespace lectern::server {
namespace {

constexpr size_t max_name_bytes = 32;

}  // namespace

std::string without_special_tokens(std::string_view text, bool goes_on) {
  std::string shown;
  while (!text.empty()) {
    const size_t mark = text.find('<');
    shown += text.substr(0, mark);
    if (mark == std::string_view::npos) break;
    text.remove_prefix(mark);
    const size_t end = text.find("|>", 2);
    const std::string_view name =
        text.substr(std::min<size_t>(2, text.size()), end == std::string_view::npos ? end : end - 2);
    const bool may_be_one = text.substr(0, 2) == std::string_view("<|").substr(0, text.size()) &&
                            name.size() <= max_name_bytes && std::ranges::none_of(name, is_space);
    if (may_be_one && end != std::string_view::npos) {
      text.remove_prefix(end + 2);
    } else if (may_be_one && goes_on) {
      break;
    } else {
      shown += '<';
      text.remove_prefix(1);
    }
  }
  return shown;
}

}  // namespace lectern::server
