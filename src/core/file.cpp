#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace lectern {
namespace {

Descriptor create_beside(const std::filesystem::path& target, std::filesystem::path& temporary) {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0;; ++attempt) {
    // Not made from the target's name, which may be as long as the file system allows.
    const std::string name = ".lectern-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
    temporary = target.parent_path() / name;
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file) return file;
    if (errno != EEXIST || attempt == 1000) throw system_error(target, "cannot be written", errno);
  }
}

}  // namespace

Error system_error(const std::filesystem::path& path, std::string_view problem, int code) {
  return Error(path.string() + ": " + std::string(problem) + ": " + std::generic_category().message(code));
}

std::string read_text_file(const std::filesystem::path& path, size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw system_error(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw system_error(path, "cannot be examined", errno);
  if (S_ISDIR(status.st_mode)) throw Error(path.string() + ": is a folder, expected a file");
  const auto too_long = [&] {
    return Error(path.string() + ": is larger than expected (at most " + std::to_string(max_bytes) + " bytes)");
  };
  if (S_ISREG(status.st_mode) && static_cast<size_t>(status.st_size) > max_bytes) throw too_long();

  std::string text;
  if (S_ISREG(status.st_mode)) text.reserve(static_cast<size_t>(status.st_size) + 1);
  size_t used = 0;
  for (;;) {
    if (used == text.size()) text.resize(std::max<size_t>({text.capacity(), used * 2, 65536}));
    const ssize_t got = ::read(file.get(), text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw system_error(path, "cannot be read", errno);
    }
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > max_bytes) throw too_long();
  }
  text.resize(used);
  return text;
}

Descriptor unnamed_file(const std::filesystem::path& folder) {
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // A file system without such files: the name is taken away at once.
  std::string name = (folder / ".lectern-XXXXXX").string();
  file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (file) ::unlink(name.c_str());
  return file;
}

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  struct stat status {};
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    throw Error(target.string() + ": is " + (S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe") +
                ", expected a regular file to write");
  }
  if (exists) {
    std::error_code code;
    const auto resolved = std::filesystem::canonical(target, code);
    if (!code) target_ = resolved;
  }
  file_ = create_beside(target_, temporary_);
  // Permissions are a courtesy; a file system without them still takes the content.
  if (exists && ::fchmod(file_.get(), status.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> block) {
  while (!block.empty()) {
    const ssize_t written = ::write(file_.get(), block.data(), std::min<size_t>(block.size(), size_t{1} << 30));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw system_error(target_, "cannot be written", errno);
    }
    block = block.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  // EINVAL, EROFS: the file system has nothing to flush.
  if (::fsync(file_.get()) != 0 && errno != EINVAL && errno != EROFS)
    throw system_error(target_, "cannot be written", errno);
  if (::close(file_.release()) != 0 && errno != EINTR) throw system_error(target_, "cannot be written", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw system_error(target_, "cannot be replaced", errno);
  temporary_.clear();
  // The new name reaches the disk too, where folders can be flushed.
  const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle) ::fsync(handle.get());
}

}  // namespace lectern
