// Journal of the finished pages of a run, kept beside its output, from which the next run resumes.
//
// The first line holds the settings that pages depend on, each further line a page as JSON. A page is reused only for a
// file of the same path, size and modification time and for the same settings. Finished outputs are recorded with what
// they depend on and with their sizes and times. An incomplete last line is dropped; other damage is reported.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/stopwatch.h"
#include "core/unique_fd.h"
#include "lectern/page.h"

namespace lectern {

// An input file as it is now.
struct FileStamp {
  std::string path;  // absolute
  int64_t bytes = 0;
  int64_t changed = 0;  // nanoseconds since 1970

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the zero of a comparison for a pointer.
  auto operator<=>(const FileStamp&) const = default;
};
// nullopt for anything but a regular file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

class Journal {
 public:
  enum class Use {
    fitting,   // go on from what is there; pages of other settings are an Error, and other settings without pages go
    required,  // the same, but other settings are an Error
    anew,      // pages that are there are dropped
  };

  // Throws Error where something lies that is no journal, or no longer shows that it is one.
  static void check(const std::filesystem::path& path);

  // Opens the journal or makes it. Throws Error when it cannot be written, when another run is writing it, and when
  // what lies there is no journal; `anew` sets that aside as NAME.damaged.
  Journal(const std::filesystem::path& path, const nlohmann::json& settings, Use use);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  const std::filesystem::path& path() const { return path_; }
  // Of an earlier run. Those of a file that has changed since are of no use.
  size_t pages_found() const { return pages_found_; }
  size_t pages_found(const FileStamp& file) const;
  size_t outdated_pages(const FileStamp& file) const;
  size_t pages_added() const { return pages_added_; }
  size_t pages() const { return pages_found_ + pages_added_; }
  // What was found damaged and what became of it, for people.
  const std::vector<std::string>& notes() const { return notes_; }

  // From any thread. The page as an earlier run finished it; nothing too when it can no longer be read.
  std::optional<Page> page(const FileStamp& file, int number) const;
  // What an earlier run wrote of the file under the same identity, if it is there as it was left; else nothing.
  std::vector<std::string> outputs(const FileStamp& file, const nlohmann::json& identity) const;

  // On disk soon after. Throw Error when they cannot be written; what was written before stays whole.
  void add(const FileStamp& file, const Page& page);
  void add_outputs(const FileStamp& file, const nlohmann::json& identity,
                   const std::vector<std::filesystem::path>& outputs);

  // When nothing is left to be done for these files: the journal goes, unless it holds pages of other files that are
  // as they were. -> how many. (A journal without pages goes in any case, when the object does.)
  size_t forget(const std::vector<FileStamp>& files);

 private:
  struct Extent {
    int64_t offset = 0;
    int64_t length = 0;
  };
  struct Written {
    nlohmann::json identity;
    std::vector<FileStamp> files;
  };
  void set_aside();
  void load(const nlohmann::json& settings, Use use);
  void remove();
  void index(const nlohmann::json& line, const Extent& place);
  void append(const nlohmann::json& line);

  const std::filesystem::path path_;
  UniqueFd file_;
  int64_t end_ = 0;  // of the last whole line
  size_t pages_found_ = 0, pages_added_ = 0;
  std::map<FileStamp, std::map<int, Extent>> pages_;
  std::map<FileStamp, Written> outputs_;
  std::vector<std::string> notes_;
  Stopwatch since_flush_;
};

}  // namespace lectern
