// The folder in which a server keeps documents: private, used by one server at a time.
//
//   lock                 held by the server
//   documents.sqlite     jobs and pages (document_store.h)
//   spare                disk space kept for deleting jobs on a full disk (spare_room.h)
//   incoming/            unfinished uploads; emptied at the start
//   jobs/ID/source       the uploaded file
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

// Files made of a job, which can be made again.
struct MadeOfJob {
  std::string id;
  int64_t bytes = 0;
  std::filesystem::file_time_type used{};  // when last used or made
};

class DataFolder {
 public:
  // Makes it if it does not exist. Throws Error if that fails or another server uses it.
  explicit DataFolder(std::filesystem::path folder);

  std::filesystem::path database() const { return folder_ / "documents.sqlite"; }
  std::filesystem::path incoming() const { return folder_ / "incoming"; }
  std::filesystem::path job(const std::string& id) const { return folder_ / "jobs" / id; }
  std::filesystem::path source(const std::string& id) const { return job(id) / "source"; }

  // Moves an upload, which must be flushed to disk, to the job's source; that is on disk when this returns.
  void keep(const std::filesystem::path& upload, const std::string& id) const;
  void remove(const std::string& id) const;
  // Removes unfinished uploads and what belongs to no job. Call it only once the database is known to be a server's.
  void remove_others(const std::vector<std::string>& ids) const;
  // An entry for every job with such files.
  std::vector<MadeOfJob> made() const;
  void remove_made(const std::string& id) const;
  // Bytes of all files.
  int64_t bytes() const;

 private:
  std::filesystem::path folder_;
  UniqueFd lock_;
};

}  // namespace lectern::server
