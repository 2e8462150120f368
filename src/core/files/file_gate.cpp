#include "core/files/file_gate.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <system_error>

#include "core/files/file.h"
#include "core/files/own_output.h"
#include "core/text.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// The kind of a file that is to be replaced by one of `kind`. Text that begins like JSON is text.
FileKind kind_there(const fs::path& file, FileKind kind, std::string_view what) {
  const std::string start = first_bytes(file);
  std::error_code failed;
  if (start.empty() && fs::is_regular_file(file, failed) && fs::file_size(file, failed) > 0) {
    throw Error(fmt::format("{}: cannot be looked into, and {} would replace it; name another file, or remove it",
                            file.string(), what));
  }
  const FileKind there = kind_of_bytes(start);
  const bool may_be_either = kind == FileKind::text && (there == FileKind::json || there == FileKind::text);
  return may_be_either ? is_json(file) ? FileKind::json : FileKind::text : there;
}

bool is_page_picture(const fs::path& name) { return name.string().starts_with("page-") && name.extension() == ".png"; }

// The same for every name of a file, whether it exists or is to be made. Names to be made that differ only in case are
// the same too, since a file system may take them for one.
std::string key_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) return fmt::format("{}:{}", status.st_dev, status.st_ino);
  std::error_code failed;
  const fs::path end = fs::absolute(end_of_links(file));
  const fs::path resolved = fs::weakly_canonical(end, failed);
  return lower_case((failed ? end.lexically_normal() : resolved).string());
}

// The nearest folder above a file that exists.
fs::path folder_above(const fs::path& file) {
  std::error_code ignored;
  fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  while (folder.has_relative_path() && !fs::is_directory(folder, ignored)) folder = folder.parent_path();
  return folder;
}

void refuse_long_name(const fs::path& file, std::string_view what) {
  constexpr size_t beside = 48;  // bytes of a path that a temporary name may take
  const long known = ::pathconf(folder_above(file).c_str(), _PC_NAME_MAX);
  const size_t max_name = known > 0 ? static_cast<size_t>(known) : NAME_MAX;
  const size_t name = file.filename().native().size(), path = file.native().size();
  if (name > max_name) {
    throw Error(
        fmt::format("{}: this name for {} has {} bytes, and the folder takes names of {}; shorten the name of "
                    "the input or of the output",
                    file.string(), what, name, max_name));
  }
  if (path + beside > PATH_MAX) {
    throw Error(fmt::format("{}: this path for {} has {} bytes, and {} are the most; change into a folder nearer to it",
                            file.string(), what, path, PATH_MAX - beside));
  }
}

// Refuses to replace what is of another kind, or was not written by Lectern where the kind tells.
void refuse_others(const fs::path& file, FileKind kind, std::string_view what) {
  const FileKind there = kind_there(file, kind, what);
  if (there == FileKind::empty || (there == FileKind::text && kind == FileKind::text)) return;
  const bool own = is_own_output(file);
  if (there == kind && own) return;
  throw Error(fmt::format("{}: holds {}{}, and {} would replace it; name another file, or remove it", file.string(),
                          name_of(there), there == kind ? " that lectern did not write" : "", what));
}

}  // namespace

FileGate::FileGate() { begin_run(); }

FileGate::~FileGate() {
  end_run();
  for (const auto& [device, inode] : inputs_) unguard_file(device, inode);
}

void FileGate::add_input(const fs::path& file) {
  struct stat status {};
  const int failed = file == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(file.c_str(), &status);
  if (failed != 0 || !S_ISREG(status.st_mode)) return;
  if (inputs_.insert({status.st_dev, status.st_ino}).second) guard_file(status.st_dev, status.st_ino);
}

void FileGate::add_input_folder(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    add_input(at->path());
  }
}

void FileGate::refuse_input(const fs::path& file, std::string_view what) const {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !inputs_.contains({status.st_dev, status.st_ino})) return;
  throw Error(
      fmt::format("{}: is an input, and {} would replace it; name another file or folder", file.string(), what));
}

void FileGate::refuse_second(const std::string& key, const fs::path& file, std::string_view what) {
  const auto [other, added] = outputs_.emplace(key, Output{file.string(), std::string(what)});
  if (added) return;
  const auto& [name, of] = other->second;
  const bool by_case = name != file && equals_in_any_case(name, file.string());
  throw Error(by_case ? fmt::format("{}: differs only in case from {}, and {} and {} may get one file; name another",
                                    file.string(), name, of, what)
                      : fmt::format("{}: would be written twice, for {} and for {}; name another file", file.string(),
                                    of, what));
}

void FileGate::add_own(const fs::path& file, std::string_view what) {
  refuse_long_name(file, what);
  refuse_input(file, what);
  refuse_second(key_of(file), file, what);
  fs::path folder = end_of_links(file).parent_path();
  if (folder.empty()) folder = ".";
  if (folders_.insert(folder.string()).second) remove_abandoned_files(folder);
}

void FileGate::add_output(const fs::path& file, std::string_view what, FileKind kind) {
  add_own(file, what);
  refuse_others(file, kind, what);
}

void FileGate::check_standard_output() const {
  struct stat status {};
  if (::fstat(STDOUT_FILENO, &status) != 0 || !inputs_.contains({status.st_dev, status.st_ino})) return;
  throw Error("standard output: goes into a file that is an input; name another file");
}

void FileGate::add_page_folder(const fs::path& folder, std::string_view what) {
  constexpr std::string_view longest_name = "page-1000000-figure-1000000.png";
  refuse_long_name(folder, what);
  refuse_long_name(folder / longest_name, what);
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (!is_page_picture(at->path().filename())) continue;
    refuse_input(at->path(), what);
    refuse_others(at->path(), FileKind::png, what);
    if (const auto other = outputs_.find(key_of(at->path())); other != outputs_.end()) {
      throw Error(fmt::format("{}: would be written twice, for {} and for {}; name another file", at->path().string(),
                              other->second.what, what));
    }
  }
  if (!failed) remove_abandoned_files(folder);
}

}  // namespace lectern
