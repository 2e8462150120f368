// Upload of a document into the data folder, piece by piece, so that it is never in memory as a whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/unique_fd.h"
#include "hub/digest.h"
#include "server/http/http.h"

namespace lectern::server {

struct UploadLimits {
  size_t file_bytes = size_t{256} << 20;
  int64_t all_bytes = int64_t{16} << 30;  // of all unfinished uploads
};

class Upload final : public HttpForm {
 public:
  // Writes the file to `path`, and removes it when destroyed unless it was moved away. `arriving` counts the bytes of
  // all unfinished uploads.
  Upload(std::filesystem::path path, const UploadLimits& limits, std::atomic<int64_t>& arriving);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() override;

  size_t max_bytes() const override;
  std::optional<HttpResponse> take(const Piece& piece) override;

  // Call it after the last piece: flushes the file to disk. Throws ApiError unless there was a file that may be a
  // document.
  void finish();
  const std::filesystem::path& path() const { return path_; }
  const std::string& name() const { return name_; }  // of the file, for people
  const std::map<std::string, std::string>& fields() const { return fields_; }
  // SHA-256 of the file and the fields, in hexadecimal digits; after finish().
  const std::string& digest() const { return digest_; }

 private:
  void take_file(const Piece& piece);
  void take_field(const Piece& piece);

  const std::filesystem::path path_;
  const UploadLimits limits_;
  std::atomic<int64_t>& arriving_;
  UniqueFd file_;
  size_t file_bytes_ = 0;
  std::string name_;
  std::map<std::string, std::string> fields_;
  std::string last_field_;
  size_t field_bytes_ = 0;
  hub::Digest hash_{hub::DigestKind::sha256, 0};
  std::string digest_;
};

}  // namespace lectern::server
