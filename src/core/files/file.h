// Reading of small files as a whole, and atomic writing: a reader sees the complete new content or none of it.
//
// Throws lectern::Error with the file and the reason given by the system.
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

// Error of a failed system call.
class SystemError : public Error {
 public:
  SystemError(const std::string& message, int number);
  int number() const { return number_; }  // as in errno

 private:
  int number_;
};

// "a/b.txt: cannot be opened: No such file or directory", for a failed system call that left `code` in errno.
SystemError system_error(const std::filesystem::path& path, std::string_view problem, int code);

// True when further writes to the place would fail, too: the disk is full, broken or read-only.
bool concerns_the_place(const Error& error);

// The file at the end of a chain of symbolic links, whether it exists or is to be made. Throws Error for a chain that
// has no end.
std::filesystem::path end_of_links(const std::filesystem::path& file);

// Reads a file or a pipe of at most max_bytes. Throws Error for a longer one.
std::string read_text_file(const std::filesystem::path& path, size_t max_bytes);

// Creates an unnamed file in `folder` for reading and writing; it disappears when it is closed or the process ends.
// Returns an empty descriptor and sets errno on failure.
UniqueFd unnamed_file(const std::filesystem::path& folder);

// Protects the files of a run, from its beginning to its end (runs may overlap): an AtomicFile replaces no file that
// another of this process has written under another name, which differs in what the file system makes no difference of.
// Used by FileGate; any thread.
void begin_run();
void end_run();

// Protects input files: no AtomicFile of this process replaces a guarded file. Calls nest: unguard as often as guard.
// Used by FileGate; any thread.
void guard_file(dev_t device, ino_t inode);
void unguard_file(dev_t device, ino_t inode);

// Removes temporary files left in `folder` by killed processes.
void remove_abandoned_files(const std::filesystem::path& folder);

// Writes to a file without a name beside the target and puts it in the target's place on commit(). Destroyed without
// commit(), however the process ends, it leaves nothing and the target is as it was. (Where the file system has no such
// files, a name with the process's id is used, which remove_abandoned_files() knows.) Following symbolic links, it
// replaces or makes the file at their end; a file replaced keeps its permissions. Anything but a regular file (a
// device, a folder) is refused, and so is a guarded file.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  // Unbuffered: collect small pieces before writing. Blocks may have any size.
  void write(std::span<const std::byte> block);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  // Flushes the file to disk and gives it its name. Call it once, last.
  void commit();

 private:
  void refuse_guarded() const;
  void remember() const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty while it has no name, and after commit()
  UniqueFd file_;
};

}  // namespace lectern
