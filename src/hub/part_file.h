// Partially downloaded file: bytes are appended and digested as they arrive; after verification it gets its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

#include "core/unique_fd.h"
#include "hub/digest.h"
#include "hub/listing.h"

namespace lectern::hub {

class PartFile {
 public:
  // In `folder`, under the file's name with ".part". What an earlier attempt left there is digested and kept, and so
  // is a file that already has its name: it counts as any other bytes until it is verified.
  PartFile(const std::filesystem::path& folder, const ListedFile& file, const std::stop_token& stop);

  int64_t size() const { return size_; }
  bool whole() const { return size_ == file_.size; }

  // Throws Error for bytes beyond the listed size, and when the disk is full.
  void append(std::span<const std::byte> block);

  // Drops all bytes.
  void restart();

  // Of all bytes so far. Ends the digest: restart() or take_name() comes next.
  std::string digest() { return digest_.finish(); }

  // Flushes the file to disk and gives it its name.
  void take_name();

 private:
  const ListedFile& file_;
  std::filesystem::path target_, path_;
  UniqueFd descriptor_;
  int64_t size_ = 0;
  Digest digest_;
};

}  // namespace lectern::hub
