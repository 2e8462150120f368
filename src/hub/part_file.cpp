#include "hub/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "core/files/file.h"
#include "core/io.h"
#include "core/stopped.h"
#include "lectern/error.h"

namespace lectern::hub {

PartFile::PartFile(const std::filesystem::path& folder, const ListedFile& file, const std::stop_token& stop)
    : file_(file), target_(folder / file.name), path_(folder / (file.name + ".part")), digest_(file.kind, file.size) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(target_, ignored)) std::filesystem::rename(target_, path_, ignored);
  // A file that has another name elsewhere is not written into.
  if (std::filesystem::symlink_status(path_, ignored).type() == std::filesystem::file_type::regular &&
      std::filesystem::hard_link_count(path_, ignored) > 1 && !ignored) {
    std::filesystem::remove(path_, ignored);
  }
  descriptor_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!descriptor_) throw system_error(path_, "cannot be written", errno);
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) throw system_error(path_, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode)) throw Error(path_.string() + ": is no regular file; remove it", ErrorCode::io);
  if (status.st_size > file.size) {
    restart();
    return;
  }
  std::vector<std::byte> block(size_t{1} << 20);
  while (size_ < status.st_size) {
    throw_if_stopped(stop);
    const ssize_t got = read_some(descriptor_.get(), block.data(), block.size());
    if (got <= 0) throw system_error(path_, "cannot be read", got < 0 ? errno : EIO);
    digest_.add(std::span(block).first(static_cast<size_t>(got)));
    size_ += got;
  }
}

void PartFile::append(std::span<const std::byte> block) {
  if (static_cast<int64_t>(block.size()) > file_.size - size_) {
    throw Error(fmt::format("{}: the server sends more than the {} bytes that the hub lists", file_.name, file_.size),
                ErrorCode::io);
  }
  digest_.add(block);
  if (!write_all(descriptor_.get(), block)) throw system_error(path_, "cannot be written", errno);
  size_ += static_cast<int64_t>(block.size());
}

void PartFile::restart() {
  if (::ftruncate(descriptor_.get(), 0) != 0 || ::lseek(descriptor_.get(), 0, SEEK_SET) != 0) {
    throw system_error(path_, "cannot be written", errno);
  }
  size_ = 0;
  digest_ = Digest(file_.kind, file_.size);
}

void PartFile::take_name() {
  const bool flushed = ::fsync(descriptor_.get()) == 0 || errno == EINVAL || errno == EROFS;
  if (!flushed || ::rename(path_.c_str(), target_.c_str()) != 0) throw system_error(path_, "cannot be written", errno);
}

}  // namespace lectern::hub
