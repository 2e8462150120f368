#include "server/documents/store/made_files.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace lectern::server {

namespace fs = std::filesystem;

// The folder of a job tells when it was used: its time is set then, and by whatever is made in it.
MadeFiles::Use::Use(MadeFiles& files, std::string id) : files_(files), id_(std::move(id)) {
  const std::lock_guard lock(files_.mutex_);
  files_.used_.insert(id_);
  std::error_code ignored;  // the document may be gone
  fs::last_write_time(files_.folder_.job(id_), fs::file_time_type::clock::now(), ignored);
}

MadeFiles::Use::~Use() {
  const std::lock_guard lock(files_.mutex_);
  files_.used_.erase(files_.used_.find(id_));
}

int64_t MadeFiles::remove(int64_t bytes) {
  std::vector<MadeOfJob> all = folder_.made();
  std::ranges::sort(all, {}, &MadeOfJob::used);
  int64_t removed = 0;
  for (const MadeOfJob& made : all) {
    if (removed >= bytes) break;
    const std::lock_guard lock(mutex_);
    if (used_.contains(made.id)) continue;
    folder_.remove_made(made.id);
    removed += made.bytes;
  }
  return removed;
}

}  // namespace lectern::server
