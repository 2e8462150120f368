// What a command reads and all that it may write, told before the work begins, so that no file of the user's is
// replaced by one of Lectern's.
//
// Files are the same by device and inode, whatever their names. While the gate lives its inputs are guarded: AtomicFile
// replaces none of them. Not for use by several threads.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/files/file_kind.h"
#include "lectern/error.h"

namespace lectern {

class FileGate {
 public:
  FileGate() = default;
  FileGate(const FileGate&) = delete;
  FileGate& operator=(const FileGate&) = delete;
  ~FileGate();

  // "-" is standard input. What does not exist is left out.
  void add_input(const std::filesystem::path& file);
  // The files that lie in it, as of a model.
  void add_input_folder(const std::filesystem::path& folder);

  // All inputs must have been added. `what` is written there, as in "the report". Throws Error for an input, for a file
  // that stands here twice, and where a file of another kind lies: one is replaced only by its own kind, text by text.
  // What killed runs left beside it is removed.
  void add_output(const std::filesystem::path& file, std::string_view what, FileKind kind);
  // Standard output, which may be a file that was named as an input as well. Throws Error for an input.
  void check_standard_output() const;
  // A folder that may be made and get files page-*.png.
  void add_page_folder(const std::filesystem::path& folder, std::string_view what);

 private:
  using Identity = std::pair<dev_t, ino_t>;
  void refuse_input(const std::filesystem::path& file, std::string_view what) const;

  std::set<Identity> inputs_;
  std::map<std::string, std::string> outputs_;  // what goes into each file
  std::set<std::string> folders_;               // in which leftovers were looked for
};

}  // namespace lectern
