// A document that is sent, on its way into the data folder; at no time is it in memory whole.
#pragma once

#include <openssl/evp.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/unique_fd.h"
#include "server/http/http.h"

namespace lectern::server {

struct UploadLimits {
  size_t file_bytes = size_t{256} << 20;
  int64_t all_bytes = int64_t{16} << 30;  // of all uploads that are on their way
};

class Upload final : public HttpForm {
 public:
  // The file is written to `path`, and removed with this object unless it was taken from there. `arriving` counts the
  // bytes of all.
  Upload(std::filesystem::path path, const UploadLimits& limits, std::atomic<int64_t>& arriving);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() override;

  size_t max_bytes() const override;
  std::optional<HttpResponse> take(const Piece& piece) override;

  // After the last piece. Throws ApiError unless there was a file that may be a document; what it wrote is on the disk
  // then.
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
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash_;
  std::string digest_;
};

}  // namespace lectern::server
