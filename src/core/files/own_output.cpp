#include "core/files/own_output.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <system_error>

#include "core/files/file_kind.h"
#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr std::string_view png_mark = "tEXtSoftware\0Lectern"sv;
constexpr std::string_view pdf_producer = "/Producer (Lectern ";  // of versions without the mark
constexpr size_t png_head = 8 + 25;                               // signature and IHDR, which comes first
constexpr size_t searched = size_t{1} << 16;                      // bytes

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

uint32_t crc32(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

bool is_marked_json(std::string_view start) {
  const std::string_view line = start.substr(0, start.find('\n'));
  if (line.find(fmt::format("\"{}\":", journal_mark)) != std::string_view::npos) return true;
  auto next = [rest = trimmed(start)](std::string_view token) mutable {
    if (!rest.starts_with(token)) return false;
    rest.remove_prefix(token.size());
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    return true;
  };
  return next("{") && next("\"schema\"") && next(":") && next(fmt::format("\"{}", json_mark));
}

bool is_marked(const fs::path& file) {
  std::string bytes = first_bytes(file);
  switch (kind_of_bytes(bytes)) {
    case FileKind::png: return bytes.find(png_mark) != std::string::npos;
    case FileKind::pdf:
      bytes = first_bytes(file, searched);
      return bytes.find(pdf_mark) != std::string::npos || bytes.find(pdf_producer) != std::string::npos;
    case FileKind::json: return is_marked_json(bytes);
    case FileKind::safetensors:
      return bytes.find(fmt::format("\"written_by\":\"{}\"", tensors_mark)) != std::string::npos;
    default: return false;
  }
}

// Whether a file NAME.* lies in the folder, other than `file` itself.
bool has_document(const fs::path& folder, const std::string& name, const fs::path& file) {
  std::error_code failed;
  for (fs::directory_iterator at(folder.empty() ? "." : folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string other = at->path().filename().string();
    if (other != file.filename() && other.starts_with(name + ".") && at->is_regular_file(failed)) return true;
  }
  return false;
}

bool is_companion(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::string_view boxes = ".boxes.png";
  if (name.size() > boxes.size() && name.ends_with(boxes)) {
    return has_document(file.parent_path(), name.substr(0, name.size() - boxes.size()), file);
  }
  if (!name.starts_with("page-") || file.extension() != ".png") return false;
  const fs::path folder = file.parent_path();
  for (const std::string_view end : {"_boxes"sv, "_figures"sv}) {
    const std::string of = folder.filename().string();
    if (of.size() > end.size() && of.ends_with(end)) {
      return has_document(folder.parent_path(), of.substr(0, of.size() - end.size()), {});
    }
  }
  return false;
}

}  // namespace

std::string with_png_mark(std::string_view png) {
  if (png.size() < png_head || kind_of_bytes(png) != FileKind::png) throw Error("a picture is no PNG, as it should be");
  const auto length = static_cast<uint32_t>(png_mark.size() - 4);  // without the chunk's type
  std::string marked(png.substr(0, png_head));
  marked += big_endian(length);
  marked += png_mark;
  marked += big_endian(crc32(png_mark));
  marked += png.substr(png_head);
  return marked;
}

bool is_own_output(const fs::path& file) { return is_marked(file) || is_companion(file); }

}  // namespace lectern
