#include "server/documents/upload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>
#include <utility>

#include "core/files/file.h"
#include "core/files/file_kind.h"
#include "core/io.h"
#include "server/documents/document_fields.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

constexpr size_t max_fields_bytes = size_t{64} << 10;
constexpr size_t form_overhead = size_t{1} << 20;  // of a form, besides its file
constexpr size_t max_name_bytes = 200;

// The client's name of the file, for people: its last part, without control characters.
std::string shown_name(std::string_view sent) {
  std::string name(sent.substr(sent.find_last_of("/\\") + 1));
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (name.size() > max_name_bytes) {
    size_t end = max_name_bytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U) --end;  // within a character
    name.resize(end);
  }
  return name.empty() || name == "." || name == ".." ? "document" : name;
}

ApiError disk_full() {
  return {507, "there is no room for this document; delete others, or try again later", "file", "disk_full"};
}

}  // namespace

Upload::Upload(std::filesystem::path path, const UploadLimits& limits, std::atomic<int64_t>& arriving)
    : path_(std::move(path)), limits_(limits), arriving_(arriving) {}

Upload::~Upload() {
  arriving_ -= static_cast<int64_t>(file_bytes_);
  if (file_) ::unlink(path_.c_str());  // fails if it was moved away
}

size_t Upload::max_bytes() const { return limits_.file_bytes + form_overhead; }

std::optional<HttpResponse> Upload::take(const Piece& piece) try {
  if (piece.name == "file") {
    take_file(piece);
  } else {
    take_field(piece);
  }
  return std::nullopt;
} catch (const ApiError& error) {
  return error_response(error);
} catch (const std::bad_alloc&) {
  return error_response(ApiError(503, "not enough memory now", "", "busy").after(retry_seconds));
}

void Upload::take_file(const Piece& piece) {
  if (piece.offset == 0 && piece.bytes.empty() && file_) return;
  if (piece.offset == 0) {
    if (file_) throw ApiError(400, "file: expected one", "file", "invalid_value");
    file_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file_) throw errno == ENOSPC || errno == EDQUOT ? disk_full() : ApiError(500, "the document cannot be kept");
    name_ = shown_name(piece.file_name);
  }
  if (file_bytes_ + piece.bytes.size() > limits_.file_bytes) {
    throw ApiError(413, fmt::format("file: longer than the {} bytes that are taken", limits_.file_bytes), "file",
                   "body_too_large");
  }
  file_bytes_ += piece.bytes.size();
  const auto added = static_cast<int64_t>(piece.bytes.size());
  if (arriving_ += added; arriving_ > limits_.all_bytes) throw disk_full();
  hash_.add(std::as_bytes(std::span(piece.bytes)));
  if (!write_all(file_.get(), piece.bytes)) {
    throw errno == ENOSPC || errno == EDQUOT ? disk_full() : ApiError(500, "file: cannot be kept", "file", "internal");
  }
}

void Upload::take_field(const Piece& piece) {
  const std::string name(piece.name);
  if (!is_document_field(name)) {
    throw ApiError(400, fmt::format("{}: there is no such field", name.substr(0, max_name_bytes)),
                   name.substr(0, max_name_bytes), "unknown_field");
  }
  if (piece.offset == 0) {
    if (fields_.contains(name) && !(piece.bytes.empty() && last_field_ == name)) {
      throw ApiError(400, fmt::format("{}: given twice", name), name, "invalid_value");
    }
    last_field_ = name;
    fields_.try_emplace(name);
  }
  field_bytes_ += piece.bytes.size();
  std::string& value = fields_[name];
  value += piece.bytes;
  if (value.size() > max_field_bytes || field_bytes_ > max_fields_bytes) {
    throw ApiError(400, fmt::format("{}: longer than {} bytes", name, max_field_bytes), name, "string_too_long");
  }
}

void Upload::finish() {
  if (!file_) throw ApiError(400, "file: missing; send a part of this name with the document", "file", "missing_value");
  const std::string begin = first_bytes(path_);
  const FileKind kind = kind_of_bytes(begin);
  if (kind == FileKind::empty) throw ApiError(422, "file: is empty", "file", "invalid_document");
  constexpr size_t rubbish = 1024;  // before a PDF, as Acrobat allows
  const bool is_document = kind == FileKind::pdf || kind == FileKind::png || kind == FileKind::picture ||
                           begin.substr(0, rubbish).find("%PDF-") != std::string::npos;
  if (!is_document) {
    throw ApiError(415, fmt::format("file: {}; expected a picture or a PDF", name_of(kind)), "file",
                   "unsupported_document");
  }
  if (::fsync(file_.get()) != 0) throw errno == ENOSPC ? disk_full() : ApiError(500, "file: cannot be kept");
  const std::string fields = fields_to_json(fields_);
  hash_.add(std::as_bytes(std::span(fields)));
  digest_ = hash_.finish();
}

}  // namespace lectern::server
