#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <utility>

#include "core/descriptor.h"
#include "core/file.h"
#include "lectern/error.h"

namespace lectern {

MappedFile::MappedFile(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe must be refused, not waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) throw system_error(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw system_error(path, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(path.string() + ": is " + (S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe") +
                ", expected a regular file");
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (data == MAP_FAILED) throw system_error(path, "cannot be mapped into memory", errno);
    data_ = static_cast<const std::byte*>(data);
    size_ = size;
  }
}  // the file is closed, the mapping stays

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::forget(std::span<const std::byte> part) const {
  const std::less_equal<const std::byte*> not_after;
  if (part.empty() || !not_after(data_, part.data()) || !not_after(part.data() + part.size(), data_ + size_)) return;
  // Whole pages alone: the first and the last may hold other tensors.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = (static_cast<size_t>(part.data() - data_) + page - 1) / page * page;
  const size_t last = static_cast<size_t>(part.data() + part.size() - data_) / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

}  // namespace lectern
