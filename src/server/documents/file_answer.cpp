#include "server/documents/file_answer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "core/files/file.h"
#include "core/unique_fd.h"

namespace lectern::server {
namespace {

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

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

}  // namespace lectern::server
