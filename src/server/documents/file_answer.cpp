#include "server/documents/file_answer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "core/files/file.h"
#include "core/text.h"
#include "core/unique_fd.h"

namespace lectern::server {
namespace {

constexpr size_t max_header_bytes = 4096;

}  // namespace

HttpResponse file_answer(const std::filesystem::path& file, std::string_view type) {
  UniqueFd open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!open) throw system_error(file, "cannot be opened", errno);
  return {.type = std::string(type), .file = std::make_shared<const UniqueFd>(std::move(open))};
}

std::string attachment(const std::string& name) {
  std::string plain = name;
  std::ranges::replace_if(
      plain, [](char c) { return c < ' ' || c > '~' || c == '"' || c == '\\' || c == '%'; }, '_');
  return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain, percent_encoded(name));
}

std::string header_text(const std::vector<std::string>& sentences) {
  std::string text;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const std::string next = percent_encoded(sentences[i], [](char c) { return c >= ' ' && c <= '~' && c != '%'; });
    if (text.size() + next.size() > max_header_bytes) {
      return fmt::format("{}{}and {} more", text, text.empty() ? "" : "; ", sentences.size() - i);
    }
    text += (text.empty() ? "" : "; ") + next;
  }
  return text;
}

}  // namespace lectern::server
