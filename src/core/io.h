// System calls repeated after an interrupting signal (EINTR).
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>

namespace lectern {

// As read() and pread(): the bytes read, 0 at the end of the file, or -1 with errno.
inline ssize_t read_some(int file, void* to, std::size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::read(file, to, bytes);
  } while (got < 0 && errno == EINTR);
  return got;
}

inline ssize_t pread_some(int file, void* to, std::size_t bytes, off_t offset) {
  ssize_t got = 0;
  do {
    got = ::pread(file, to, bytes, offset);
  } while (got < 0 && errno == EINTR);
  return got;
}

// Writes all bytes. False, with errno, when some could not be written.
inline bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

inline bool write_all(int file, std::span<const std::byte> bytes) {
  return write_all(file, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace lectern
