// Reading small files whole, and writing files so that a reader sees all of the new content or none of it.
//
// Errors are lectern::Error and name the file and the system's reason.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/unique_fd.h"
#include "lectern/error.h"

namespace lectern {

// Of a system call that failed.
class SystemError : public Error {
 public:
  SystemError(const std::string& message, int number);
  int number() const { return number_; }  // as in errno

 private:
  int number_;
};

// "a/b.txt: cannot be opened: No such file or directory", for a failed system call that left `code` in errno.
SystemError system_error(const std::filesystem::path& path, std::string_view problem, int code);

// Whether whatever else is written there must fail as well: the disk is full, broken or read-only.
bool concerns_the_place(const Error& error);

// The whole of a file of at most max_bytes; pipes are read too. A longer file is an Error.
std::string read_text_file(const std::filesystem::path& path, size_t max_bytes);

// A new file in `folder`, to write and read, that is gone when it is closed, however the process ends. Empty, with the
// reason in errno, when it cannot be made.
UniqueFd unnamed_file(const std::filesystem::path& folder);

// Files that no AtomicFile of this process replaces: what is being read. Counted: as often guarded as unguarded. For
// FileGate; from any thread.
void guard_file(dev_t device, ino_t inode);
void unguard_file(dev_t device, ino_t inode);

bool is_running(pid_t process);

// Removes the temporary files that processes which were killed have left in `folder`.
void remove_abandoned_files(const std::filesystem::path& folder);

// Writes to a file without a name beside the target and puts it in the target's place on commit(). Destroyed without
// commit(), however the process ends, it leaves nothing and the target is as it was. (Where the file system has no such
// files, a name with the process's id is used, which remove_abandoned_files() knows.) Following a symbolic link, it
// replaces the file at its end; a file replaced keeps its permissions. Anything but a regular file (a device, a folder)
// is refused, and so is a guarded file.
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
  void refuse_guarded() const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty while it has no name, and after commit()
  UniqueFd file_;
};

}  // namespace lectern
