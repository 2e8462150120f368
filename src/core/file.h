// Reading small files whole, and writing files so that a reader sees all of the new content or none of it.
//
// Errors are lectern::Error and name the file and the system's reason.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/descriptor.h"
#include "lectern/error.h"

namespace lectern {

// "a/b.txt: cannot be opened: No such file or directory", for a failed system call that left `code` in errno.
Error system_error(const std::filesystem::path& path, std::string_view problem, int code);

// The whole of a file of at most max_bytes; pipes are read too. A longer file is an Error.
std::string read_text_file(const std::filesystem::path& path, size_t max_bytes);

// A new file in `folder`, to write and read, that is gone when it is closed, however the process ends. Empty, with the
// reason in errno, when it cannot be made.
Descriptor unnamed_file(const std::filesystem::path& folder);

// Writes to a temporary file beside the target and puts it in the target's place on commit(). Destroyed without
// commit(), it removes the temporary file and the target is as it was. Following a symbolic link, it replaces the
// file at its end; a file replaced keeps its permissions. Anything but a regular file (a device, a folder) is refused.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  // Unbuffered: gather small pieces before writing. Blocks may be of any size.
  void write(std::span<const std::byte> block);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  // On disk and under its name when this returns. Call it once, last.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty after commit()
  Descriptor file_;
};

}  // namespace lectern
