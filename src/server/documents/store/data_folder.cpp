#include "server/documents/store/data_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/files/file.h"
#include "core/files/file_kind.h"
#include "server/documents/store/spare_room.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;

void make_private_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) throw system_error(folder, "cannot be made", errno);
}

// SQLite gives the files beside the database the rights of the database; those of a server before may have been wider.
void make_private_database(const fs::path& database) {
  const UniqueFd made(::open(database.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!made) throw system_error(database, "cannot be opened", errno);
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    const fs::path file = database.string() + suffix;
    if (::chmod(file.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != ENOENT) {
      throw system_error(file, "cannot be made private", errno);
    }
  }
}

// What was renamed or made in the folder is there after a loss of power.
void sync_folder(const fs::path& folder) {
  const UniqueFd open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!open || ::fsync(open.get()) != 0) throw system_error(folder, "cannot be written", errno);
}

// Of a file; 0 for what is none, or not there any more.
int64_t bytes_of(const fs::directory_entry& entry) {
  std::error_code gone;
  const uintmax_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
  return gone ? 0 : static_cast<int64_t>(size);
}

// What a server keeps in its folder it also removes: a folder of other things is left alone.
void refuse_other_folder(const fs::path& folder, const fs::path& database) {
  constexpr std::string_view head = "SQLite format 3";
  const auto refuse = [&](const fs::path& there) {
    throw Error(fmt::format("{}: holds {} and no documents of a server; name a new or empty folder for `data`",
                            folder.string(), there.filename().string()));
  };
  std::error_code failure;
  if (fs::exists(database, failure)) {
    const std::string start = first_bytes(database, head.size());
    if (!fs::is_regular_file(database, failure) || (!start.empty() && start != head)) refuse(database);
    return;
  }
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    const fs::path name = entry.path().filename();
    if (name != "lock" && name != "lost+found") refuse(entry.path());  // the latter of a file system's root
  }
}

}  // namespace

fs::path default_data_folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && fs::path(state).is_absolute()) return fs::path(state) / "lectern" / "serve";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".local" / "state" / "lectern" / "serve";
  throw Error(
      "HOME: is not set, so there is no place for documents; set it, or XDG_STATE_HOME, or name one with `data`",
      ErrorCode::not_found);
}

DataFolder::DataFolder(fs::path folder) : folder_(std::move(folder)) {
  std::error_code failure;
  if (folder_.has_parent_path()) fs::create_directories(folder_.parent_path(), failure);
  make_private_folder(folder_);
  struct stat status {};
  if (::stat(folder_.c_str(), &status) != 0) throw system_error(folder_, "cannot be examined", errno);
  if (!S_ISDIR(status.st_mode)) throw Error(fmt::format("{}: is no folder; name another for `data`", folder_.string()));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(
        fmt::format("{}: other users may look into it; take their rights away (chmod 700), or name another "
                    "folder for `data`",
                    folder_.string()));
  }
  refuse_other_folder(folder_, database());
  lock_ = UniqueFd(::open((folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!lock_) throw system_error(folder_ / "lock", "cannot be opened", errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(
        fmt::format("{}: another server keeps its documents there; name another folder for `data`", folder_.string()));
  }
  make_private_database(database());
  make_private_folder(incoming());
  make_private_folder(folder_ / "jobs");
}

void DataFolder::keep(const fs::path& upload, const std::string& id) const {
  make_private_folder(job(id));
  if (::rename(upload.c_str(), source(id).c_str()) != 0) throw system_error(upload, "cannot be kept", errno);
  sync_folder(job(id));
  sync_folder(folder_ / "jobs");
}

void DataFolder::remove(const std::string& id) const {
  std::error_code ignored;  // what is left goes at the next start
  fs::remove_all(job(id), ignored);
}

void DataFolder::remove_others(const std::vector<std::string>& ids) const {
  const std::set<std::string> kept(ids.begin(), ids.end());
  std::error_code failure;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(incoming(), failure)) others.push_back(entry.path());
  for (const auto& entry : fs::directory_iterator(folder_ / "jobs", failure)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("doc_") && !kept.contains(name)) others.push_back(entry.path());
  }
  for (const fs::path& other : others) fs::remove_all(other, failure);
}

std::vector<MadeOfJob> DataFolder::made() const {
  std::vector<MadeOfJob> all;
  std::error_code failure;
  for (const auto& job : fs::directory_iterator(folder_ / "jobs", failure)) {
    MadeOfJob made{.id = job.path().filename().string()};
    std::error_code gone;
    made.used = job.last_write_time(gone);
    for (const auto& entry : fs::directory_iterator(job.path(), gone)) {
      if (entry.path() != source(made.id)) made.bytes += bytes_of(entry);
    }
    if (made.bytes > 0) all.push_back(std::move(made));
  }
  return all;
}

void DataFolder::remove_made(const std::string& id) const {
  std::error_code ignored;
  std::vector<fs::path> made;
  for (const auto& entry : fs::directory_iterator(job(id), ignored)) {
    if (entry.path() != source(id)) made.push_back(entry.path());
  }
  for (const fs::path& file : made) fs::remove(file, ignored);
}

int64_t DataFolder::bytes() const {
  int64_t total = 0;
  std::error_code failure;
  for (auto place = fs::recursive_directory_iterator(folder_, failure); !failure && place != fs::end(place);
       place.increment(failure)) {
    if (place->path() != spare_file(folder_)) total += bytes_of(*place);
  }
  return total;
}

}  // namespace lectern::server
