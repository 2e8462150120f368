#include "core/files/file_gate.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "core/files/file.h"
#include "core/files/own_output.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// Text may begin like JSON.
bool may_replace(FileKind there, FileKind kind) {
  return there == FileKind::empty || there == kind || (there == FileKind::json && kind == FileKind::text);
}

bool is_page_picture(const fs::path& name) { return name.string().starts_with("page-") && name.extension() == ".png"; }

// The same for every name of a file, whether it exists or is to be made.
std::string key_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) return fmt::format("{}:{}", status.st_dev, status.st_ino);
  std::error_code failed;
  const fs::path resolved = fs::weakly_canonical(fs::absolute(file), failed);
  return (failed ? fs::absolute(file).lexically_normal() : resolved).string();
}

}  // namespace

FileGate::~FileGate() {
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

void FileGate::add_output(const fs::path& file, std::string_view what, FileKind kind) {
  refuse_input(file, what);
  const auto [other, added] = outputs_.emplace(key_of(file), what);
  if (!added) {
    throw Error(fmt::format("{}: would be written twice, for {} and for {}; name another file", file.string(),
                            other->second, what));
  }
  const FileKind there = kind_of_bytes(first_bytes(file));
  if (!may_replace(there, kind)) {
    throw Error(fmt::format("{}: holds {}, and {} would replace it; name another file, or remove it", file.string(),
                            name_of(there), what));
  }
  // Pictures and PDFs are what people read: after `-o *.pdf` the first of them stands where an output is expected.
  if ((there == FileKind::png || there == FileKind::pdf) && !is_own_output(file)) {
    throw Error(
        fmt::format("{}: holds {} that lectern did not write, and {} would replace it; name another file, or "
                    "remove it",
                    file.string(), name_of(there), what));
  }
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (folders_.insert(folder.string()).second) remove_abandoned_files(folder);
}

void FileGate::check_standard_output() const {
  struct stat status {};
  if (::fstat(STDOUT_FILENO, &status) != 0 || !inputs_.contains({status.st_dev, status.st_ino})) return;
  throw Error("standard output: goes into a file that is an input; name another file");
}

void FileGate::add_page_folder(const fs::path& folder, std::string_view what) {
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (!is_page_picture(at->path().filename())) continue;
    refuse_input(at->path(), what);
    if (const auto other = outputs_.find(key_of(at->path())); other != outputs_.end()) {
      throw Error(fmt::format("{}: would be written twice, for {} and for {}; name another file", at->path().string(),
                              other->second, what));
    }
  }
  if (!failed) remove_abandoned_files(folder);
}

}  // namespace lectern
