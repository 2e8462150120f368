// The folder in which a server keeps documents: private, and of one server at a time.
//
//   lock                 held by the server
//   documents.sqlite     jobs and pages (document_store.h)
//   spare                room for what it takes to note that a job is gone (spare_room.h)
//   incoming/            uploads on their way; emptied at the start
//   jobs/ID/source       what was sent
//   jobs/ID/...          results and pictures made of it, which can be made again
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/unique_fd.h"

namespace lectern::server {

// $XDG_STATE_HOME/lectern/serve, or ~/.local/state/lectern/serve. Throws Error when neither variable tells where.
std::filesystem::path default_data_folder();

// What was made of a job, and can be made again.
struct MadeOfJob {
  std::string id;
  int64_t bytes = 0;
  std::filesystem::file_time_type used{};  // last, or made
};

class DataFolder {
 public:
  // Makes it where it is not there. Throws Error where that fails, or another server has it.
  explicit DataFolder(std::filesystem::path folder);

  std::filesystem::path database() const { return folder_ / "documents.sqlite"; }
  std::filesystem::path incoming() const { return folder_ / "incoming"; }
  std::filesystem::path job(const std::string& id) const { return folder_ / "jobs" / id; }
  std::filesystem::path source(const std::string& id) const { return job(id) / "source"; }

  // Puts an upload, of which all is on the disk, in the place of the job's source; it is there when this returns.
  void keep(const std::filesystem::path& upload, const std::string& id) const;
  void remove(const std::string& id) const;
  // Removes uploads that did not arrive, and what belongs to no job. Once the database is known to be a server's.
  void remove_others(const std::vector<std::string>& ids) const;
  // Of every job of which something was made.
  std::vector<MadeOfJob> made() const;
  void remove_made(const std::string& id) const;
  // All files, in bytes.
  int64_t bytes() const;

 private:
  std::filesystem::path folder_;
  UniqueFd lock_;
};

}  // namespace lectern::server
