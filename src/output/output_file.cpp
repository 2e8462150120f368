#include "output/output_file.h"

#include <cerrno>
#include <cstdio>

namespace lectern {
namespace {

constexpr size_t block_size = size_t{1} << 18;

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path) {
  if (path != "-") file_.emplace(path);
}

void OutputFile::write(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() >= block_size) flush();
}

void OutputFile::flush() {
  if (file_) {
    file_->write(pending_);
  } else if (std::fwrite(pending_.data(), 1, pending_.size(), stdout) != pending_.size() || std::fflush(stdout) != 0) {
    throw system_error("standard output", "cannot be written", errno);
  }
  pending_.clear();
}

void OutputFile::finish() {
  flush();
  if (file_) file_->commit();
}

}  // namespace lectern
