#include "core/files/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "core/unique_fd.h"

namespace lectern {

using namespace std::string_view_literals;

FileKind kind_of_bytes(std::string_view bytes) {
  constexpr std::array pictures = {"\xff\xd8\xff"sv, "GIF8"sv, "RIFF"sv, "II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv};
  if (bytes.empty()) return FileKind::empty;
  if (bytes.starts_with("\x89PNG"sv)) return FileKind::png;
  if (std::ranges::any_of(pictures, [&](std::string_view magic) { return bytes.starts_with(magic); }) ||
      (bytes.size() > 8 && bytes.substr(4, 4) == "ftyp"sv)) {  // HEIC, AVIF
    return FileKind::picture;
  }
  // Acrobat allows for rubbish before it.
  if (bytes.substr(0, 1024).find("%PDF-"sv) != std::string_view::npos) return FileKind::pdf;
  if (bytes.size() > 8 && bytes[8] == '{' && bytes.substr(4, 4) == "\0\0\0\0"sv) return FileKind::safetensors;
  if (bytes.find('\0') != std::string_view::npos) return FileKind::binary;
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{' ? FileKind::json : FileKind::text;
}

std::string_view name_of(FileKind kind) {
  switch (kind) {
    case FileKind::empty: return "nothing";
    case FileKind::text: return "text";
    case FileKind::json: return "JSON";
    case FileKind::png:
    case FileKind::picture: return "a picture";
    case FileKind::pdf: return "a PDF";
    case FileKind::safetensors: return "tensors";
    case FileKind::binary: break;
  }
  return "bytes that are no text";
}

std::string first_bytes(const std::filesystem::path& file, size_t count) {
  const UniqueFd descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!descriptor || ::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string bytes(count, '\0');
  const ssize_t got = ::pread(descriptor.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

bool is_json(const std::filesystem::path& file) {
  constexpr size_t max_looked_through = size_t{64} << 20;  // bytes
  const std::string start = first_bytes(file);
  const std::string_view text = trimmed(start);
  if (!text.starts_with('{') && !(text.starts_with('[') && file.extension() == ".json")) return false;
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  if (failed || size > max_looked_through) return true;
  return nlohmann::json::accept(first_bytes(file, size));
}

}  // namespace lectern
