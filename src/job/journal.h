// The pages that a run has finished, beside its output: what an interrupted run was worth, the next one goes on from.
//
// A line of JSON a page, after a first line with the settings that the pages depend on. A page is taken over only for
// a file of the same path, size and time of change and for the same settings. A last line that was cut off is dropped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/descriptor.h"
#include "lectern/document.h"

namespace lectern {

// An input file as it is now.
struct FileStamp {
  std::string path;  // absolute
  int64_t bytes = 0;
  int64_t changed = 0;  // nanoseconds since 1970

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the zero of a comparison for a pointer.
  auto operator<=>(const FileStamp&) const = default;
};
// Nothing for what is not a regular file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

class Journal {
 public:
  enum class Use {
    fitting,   // go on from what is there if it fits, else begin anew
    required,  // the same, but what does not fit is an Error
    anew,      // what is there is dropped
  };

  // Opens the journal or makes it. Throws Error when it cannot be written or another run is writing it.
  Journal(const std::filesystem::path& path, const nlohmann::json& settings, Use use);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  const std::filesystem::path& path() const { return path_; }
  size_t pages_found() const { return pages_found_; }
  size_t pages() const { return pages_found_ + pages_added_; }
  // Not empty: why what was there could not be used, e.g. "its mode is 'tiny', not 'base'".
  const std::string& misfit() const { return misfit_; }

  // From any thread. The page as an earlier run finished it; nothing too when it can no longer be read.
  std::optional<DocumentPage> page(const FileStamp& file, int number) const;
  // Whether an earlier run finished these very outputs of the file, and they are still there.
  bool has_outputs(const FileStamp& file, const std::vector<std::filesystem::path>& outputs) const;

  // On disk soon after. Throw Error when they cannot be written; what was written before stays whole.
  void add(const FileStamp& file, const DocumentPage& page);
  void add_outputs(const FileStamp& file, const std::vector<std::filesystem::path>& outputs);

  // When nothing is left to be done. A journal without pages is removed in any case.
  void remove();

 private:
  struct Place {
    int64_t offset = 0;
    int64_t length = 0;
  };
  void load(const nlohmann::json& settings, Use use);
  void index(const nlohmann::json& line, const Place& place);
  void append(const nlohmann::json& line);

  const std::filesystem::path path_;
  Descriptor file_;
  int64_t end_ = 0;  // of the last whole line
  size_t pages_found_ = 0, pages_added_ = 0;
  std::string misfit_;
  std::map<FileStamp, std::map<int, Place>> pages_;
  std::map<FileStamp, std::vector<std::string>> outputs_;
  Clock since_flush_;
};

}  // namespace lectern
