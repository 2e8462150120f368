// Registry of all files that a command reads and may write, filled before the work begins, so that no file of the
// user is overwritten by mistake.
//
// Files are compared by device and inode, not by name. While the gate lives its inputs are guarded: AtomicFile does not
// replace them. For one thread.
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
  FileGate();
  FileGate(const FileGate&) = delete;
  FileGate& operator=(const FileGate&) = delete;
  ~FileGate();

  // "-" is standard input. A missing file is ignored.
  void add_input(const std::filesystem::path& file);
  // All files of a folder, such as a model.
  void add_input_folder(const std::filesystem::path& folder);

  // All inputs must have been added. `what` is written there, as in "the report". Throws Error for an input, for a name
  // that is too long, for a file that stands here twice, and where a file lies that is not to be replaced: text gives
  // way to text, and all other kinds, which say who wrote them, only where Lectern did. What killed runs left beside it
  // is removed.
  void add_output(const std::filesystem::path& file, std::string_view what, FileKind kind);
  // A file whose writer checks what it replaces.
  void add_own(const std::filesystem::path& file, std::string_view what);
  // Standard output, which may be a file that was named as an input as well. Throws Error for an input.
  void check_standard_output() const;
  // A folder that may be made and get files page-*.png. Throws Error as for an output where such a file lies that is
  // not to be replaced.
  void add_page_folder(const std::filesystem::path& folder, std::string_view what);

 private:
  using Identity = std::pair<dev_t, ino_t>;
  void refuse_input(const std::filesystem::path& file, std::string_view what) const;
  void refuse_second(const std::string& key, const std::filesystem::path& file, std::string_view what);

  std::set<Identity> inputs_;
  struct Output {
    std::string name, what;
  };
  std::map<std::string, Output> outputs_;  // by what tells their files apart
  std::set<std::string> folders_;          // in which leftovers were looked for
};

}  // namespace lectern
