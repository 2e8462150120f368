#include "core/files/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "core/io.h"

namespace lectern {
namespace {

constexpr std::string_view temporary_start = ".lectern-", temporary_end = ".tmp";

// Not made from the target's name, which may be as long as the file system allows.
std::filesystem::path temporary_beside(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  return target.parent_path() / (std::string(temporary_start) + std::to_string(::getpid()) + "-" +
                                 std::to_string(counter++) + std::string(temporary_end));
}

// The process in a name of temporary_beside(); 0 for another name.
pid_t process_in(std::string_view name) {
  if (!name.starts_with(temporary_start) || !name.ends_with(temporary_end)) return 0;
  name.remove_prefix(temporary_start.size());
  pid_t process = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), process);
  return failed == std::errc() && end != name.data() + name.size() && *end == '-' ? process : 0;
}

bool is_running(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

UniqueFd create_named(const std::filesystem::path& target, std::filesystem::path& temporary) {
  for (int attempt = 0;; ++attempt) {
    temporary = temporary_beside(target);
    UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file) return file;
    if (errno != EEXIST || attempt == 1000) {
      temporary.clear();
      throw system_error(target, "cannot be written", errno);
    }
  }
}

std::filesystem::path name_by_number(const UniqueFd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

// Without a name where that is possible: it is then given one through /proc.
UniqueFd create_beside(const std::filesystem::path& target, std::filesystem::path& temporary) {
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
  if (!file || ::access(name_by_number(file).c_str(), F_OK) != 0) file = create_named(target, temporary);
  ::flock(file.get(), LOCK_EX | LOCK_NB);  // a sign of life for remove_abandoned_files()
  return file;
}

// Gives a file without a name a temporary one.
void give_name(const UniqueFd& file, const std::filesystem::path& target, std::filesystem::path& temporary) {
  for (int attempt = 0;; ++attempt) {
    temporary = temporary_beside(target);
    if (::linkat(AT_FDCWD, name_by_number(file).c_str(), AT_FDCWD, temporary.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
    if (errno != EEXIST || attempt == 1000) {
      temporary.clear();
      throw system_error(target, "cannot be written", errno);
    }
  }
}

using Identity = std::pair<dev_t, ino_t>;

struct GuardedFiles {
  std::mutex mutex;
  std::map<Identity, size_t> counts;
  size_t runs = 0;
  std::map<Identity, std::filesystem::path> written;  // while there are runs
};

GuardedFiles& guarded_files() {
  static GuardedFiles files;
  return files;
}

}  // namespace

SystemError::SystemError(const std::string& message, int number)
    : Error(message, number == ENOENT || number == ENOTDIR ? ErrorCode::not_found
                     : number == ENOMEM                    ? ErrorCode::out_of_memory
                                                           : ErrorCode::io),
      number_(number) {}

SystemError system_error(const std::filesystem::path& path, std::string_view problem, int code) {
  return {path.string() + ": " + std::string(problem) + ": " + std::generic_category().message(code), code};
}

bool concerns_the_place(const Error& error) {
  const auto* const of_system = dynamic_cast<const SystemError*>(&error);
  const int code = of_system == nullptr ? 0 : of_system->number();
  return code == ENOSPC || code == EDQUOT || code == EROFS || code == EIO;
}

std::filesystem::path end_of_links(const std::filesystem::path& file) {
  constexpr int max_links = 40;  // as the kernel follows
  std::filesystem::path end = file;
  for (int links = 0;; ++links) {
    std::error_code none;
    const std::filesystem::path target = std::filesystem::read_symlink(end, none);
    if (none) return end;
    if (links == max_links) throw system_error(file, "cannot be followed", ELOOP);
    end = end.parent_path() / target;
  }
}

std::string read_text_file(const std::filesystem::path& path, size_t max_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
    const ssize_t got = read_some(file.get(), text.data() + used, text.size() - used);
    if (got < 0) throw system_error(path, "cannot be read", errno);
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > max_bytes) throw too_long();
  }
  text.resize(used);
  return text;
}

UniqueFd unnamed_file(const std::filesystem::path& folder) {
  UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // A file system without such files: the name is taken away at once.
  std::string name = (folder / ".lectern-XXXXXX").string();
  file = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
  if (file) ::unlink(name.c_str());
  return file;
}

void begin_run() {
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  ++files.runs;
}

void end_run() {
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  if (--files.runs == 0) files.written.clear();
}

void guard_file(dev_t device, ino_t inode) {
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  ++files.counts[{device, inode}];
}

void unguard_file(dev_t device, ino_t inode) {
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  const auto found = files.counts.find({device, inode});
  if (found != files.counts.end() && --found->second == 0) files.counts.erase(found);
}

void remove_abandoned_files(const std::filesystem::path& folder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const pid_t process = process_in(at->path().filename().string());
    if (process <= 0 || is_running(process)) continue;
    const UniqueFd file(::open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(at->path().c_str());
  }
}

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  struct stat status {};
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    throw Error(target.string() + ": is " + (S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe") +
                ", expected a regular file to write");
  }
  target_ = end_of_links(target);
  refuse_guarded();
  file_ = create_beside(target_, temporary_);
  // Permissions are a courtesy; a file system without them still takes the content.
  if (exists && ::fchmod(file_.get(), status.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::refuse_guarded() const {
  struct stat status {};
  if (::stat(target_.c_str(), &status) != 0) return;
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  if (files.counts.contains({status.st_dev, status.st_ino})) {
    throw Error(target_.string() + ": is an input, and is not replaced; name another file or folder");
  }
  const auto written = files.written.find({status.st_dev, status.st_ino});
  if (written == files.written.end() || written->second == target_) return;
  struct stat other {};
  const bool same = ::stat(written->second.c_str(), &other) == 0 && other.st_ino == status.st_ino;
  if (same)
    throw Error(fmt::format("{}: is the same file here as {}, and is not replaced; name another folder",
                            target_.string(), written->second.string()));
}

// Under its name.
void AtomicFile::remember() const {
  struct stat status {};
  GuardedFiles& files = guarded_files();
  const std::lock_guard lock(files.mutex);
  if (files.runs > 0 && ::stat(target_.c_str(), &status) == 0) files.written[{status.st_dev, status.st_ino}] = target_;
}

void AtomicFile::write(std::span<const std::byte> block) {
  if (!write_all(file_.get(), block)) throw system_error(target_, "cannot be written", errno);
}

void AtomicFile::commit() {
  // EINVAL, EROFS: the file system has nothing to flush.
  if (::fsync(file_.get()) != 0 && errno != EINVAL && errno != EROFS)
    throw system_error(target_, "cannot be written", errno);
  refuse_guarded();
  if (temporary_.empty()) give_name(file_, target_, temporary_);
  if (::close(file_.release()) != 0 && errno != EINTR) throw system_error(target_, "cannot be written", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw system_error(target_, "cannot be replaced", errno);
  temporary_.clear();
  remember();
  // The new name reaches the disk too, where folders can be flushed.
  const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  const UniqueFd handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle) ::fsync(handle.get());
}

}  // namespace lectern
