#include "server/documents/store/spare_room.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/unique_fd.h"

namespace lectern::server {
namespace {

constexpr off_t spare_bytes = off_t{1} << 20;  // some hundred pages of the database

}  // namespace

std::filesystem::path spare_file(const std::filesystem::path& folder) { return folder / "spare"; }

void keep_spare_room(const std::filesystem::path& folder) {
  const std::filesystem::path file = spare_file(folder);
  const UniqueFd open(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (open && ::posix_fallocate(open.get(), 0, spare_bytes) != 0) ::unlink(file.c_str());  // half of it helps nobody
}

void free_spare_room(const std::filesystem::path& folder) { ::unlink(spare_file(folder).c_str()); }

}  // namespace lectern::server
