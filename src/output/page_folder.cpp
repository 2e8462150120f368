#include "output/page_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "core/files/file.h"
#include "core/files/own_output.h"
#include "lectern/error.h"

namespace lectern {

namespace fs = std::filesystem;

void put_pictures(const fs::path& folder, const Spool& kept, const PicturePlaces& pictures) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) throw Error(folder.string() + ": the folder cannot be made: " + code.message(), ErrorCode::io);
  for (const auto& [name, place] : pictures) {
    AtomicFile file(folder / name);
    kept.read(place, [&](std::string_view bytes) { file.write(bytes); });
    file.commit();
  }
}

std::string older_pictures(const fs::path& folder, const PicturePlaces& pictures) {
  std::error_code failed;
  size_t older = 0;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    const bool written = std::ranges::any_of(pictures, [&](const auto& picture) { return picture.first == name; });
    if (!written && name.starts_with("page-") && is_own_output(at->path())) ++older;
  }
  if (older == 0) return "";
  return fmt::format("{}: {} of an earlier run {} beside those of this one", folder.string(),
                     older == 1 ? "1 picture" : fmt::format("{} pictures", older), older == 1 ? "lies" : "lie");
}

}  // namespace lectern
