#include "core/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "core/files/file.h"
#include "core/unique_fd.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// What is mapped, for the handler of SIGBUS, which may neither lock nor allocate. What does not fit is not known to it.
struct Mapping {
  std::atomic<uintptr_t> begin{0};  // 0: free; 1: being filled
  std::atomic<uintptr_t> end{0};
  std::array<char, 240> name{};
};
std::array<Mapping, 256> mappings;
std::atomic<int> code_of_exit{0};

void remember(const void* data, size_t size, const std::string& name) {
  for (Mapping& mapping : mappings) {
    uintptr_t expected = 0;
    if (!mapping.begin.compare_exchange_strong(expected, 1)) continue;
    const size_t length = name.copy(mapping.name.data(), mapping.name.size() - 1);
    mapping.name[length] = '\0';
    mapping.end = reinterpret_cast<uintptr_t>(data) + size;
    mapping.begin = reinterpret_cast<uintptr_t>(data);
    return;
  }
}

void unmap(const std::byte* data, size_t size) {
  for (Mapping& mapping : mappings) {
    if (mapping.begin == reinterpret_cast<uintptr_t>(data)) mapping.begin = 0;
  }
  ::munmap(const_cast<std::byte*>(data), size);
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Mapping& mapping : mappings) {
    const uintptr_t begin = mapping.begin;
    // The last page of a mapping reaches beyond the end of its file.
    if (begin <= 1 || at < begin || at >= mapping.end + 4096) continue;
    const auto say = [](const char* text) { static_cast<void>(!::write(STDERR_FILENO, text, std::strlen(text))); };
    say("lectern: ");
    say(mapping.name.data());
    say(": was shortened while it was in use, or its disk fails; fetch it again, and replace files by renaming\n");
    ::_exit(code_of_exit);
  }
  std::signal(signal, SIG_DFL);  // comes again at once, and ends the process
}

}  // namespace

void end_in_one_line_when_shortened(int exit_code) {
  code_of_exit = exit_code;
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe must be refused, not waited for.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
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
    remember(data_, size_, path.string());
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
  if (data_ != nullptr) unmap(data_, size_);
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
