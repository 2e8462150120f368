#include "cli/destination.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/file.h"
#include "lectern/error.h"

namespace lectern::cli {
namespace {

namespace fs = std::filesystem;

std::string ended(const std::string& text) { return text.empty() || text.ends_with('\n') ? text : text + "\n"; }

void write(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

Destination::Destination(const std::string& out, const std::vector<std::string>& inputs, const std::string& extension)
    : extension_(extension) {
  if (out.empty() || out == "-") return;
  std::error_code code;
  if (!fs::is_directory(out, code) && !out.ends_with('/')) {
    file_ = out;
    for (const std::string& input : inputs) {
      if (fs::equivalent(input, *file_, code)) {
        throw Error(fmt::format("{}: is an input; name another file for the text", out));
      }
    }
    const AtomicFile probe(*file_);
    return;
  }
  code.clear();
  fs::create_directories(out, code);
  if (code) throw Error(fmt::format("{}: the folder cannot be made: {}", out, code.message()));
  if (::access(out.c_str(), W_OK | X_OK) != 0) throw system_error(out, "the folder cannot be written to", errno);
  folder_ = out;
  for (const std::string& input : inputs) ++stems_[fs::path(input).stem().string()];
}

void Destination::take(const std::string& input, const std::string& text) {
  if (folder_) {
    write(*folder_ / name_for(input), ended(text));
  } else if (file_) {
    if (taken_any_) all_ += '\n';
    all_ += ended(text);
  }
  taken_any_ = true;
}

void Destination::finish() {
  if (file_ && taken_any_) write(*file_, all_);
}

// NAME.txt for NAME.png; of two inputs called NAME both keep more of their names, and no file is written twice.
std::string Destination::name_for(const std::string& input) {
  const fs::path path(input);
  const std::string base = stems_[path.stem().string()] > 1 ? path.filename().string() : path.stem().string();
  std::string name = base + extension_;
  for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}-{}{}", base, i, extension_);
  return name;
}

}  // namespace lectern::cli
