// Unnamed temporary file for data of an unfinished document: bytes are appended and read back by their place.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lectern {

class Spool {
 public:
  // In `folder`, which has room for the document; nothing of it is left when the process ends, however it ends.
  explicit Spool(const std::filesystem::path& folder);

  struct Extent {
    int64_t offset = 0;
    int64_t size = 0;
  };
  Extent add(std::string_view bytes);
  // Of another file, which is open: all of it, or `bytes` from `offset` on.
  Extent add_file(int file, const std::string& name, int64_t offset = 0, int64_t bytes = INT64_MAX);
  // To read all that was added.
  int descriptor() const { return ::fileno(file_.get()); }
  // Hands the bytes on piece by piece.
  void read(Extent place, const std::function<void(std::string_view)>& take) const;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  int64_t size_ = 0;
};

}  // namespace lectern
