// A file's bytes as read-only memory, for weights: pages come in from disk as they are touched and are shared
// between processes.
//
// A MappedFile owns its mapping; spans from bytes() are good until it is destroyed (moving it keeps them good).
// Throws Error, naming the file, when it is missing, unreadable or anything but a regular file. An empty file is an
// empty span. Who shortens the file while it is mapped takes the ground from under its readers (SIGBUS): replace model
// files by renaming, as AtomicFile does.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace lectern {

class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Lets the system take back the memory of these bytes; they are read from the file when used again. Bytes outside
  // of the mapping are left alone.
  void forget(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// From now on the process ends with `exit_code` and one line on standard error when a mapped file was shortened, in
// place of dying of the signal SIGBUS. Other causes of that signal are left as they are.
void end_in_one_line_when_shortened(int exit_code);

}  // namespace lectern
