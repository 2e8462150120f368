#include "document/writers/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "core/file.h"

namespace lectern {
namespace {

constexpr size_t piece_size = size_t{1} << 16;

int open_without_name(const std::filesystem::path& folder) {
#ifdef O_TMPFILE
  if (const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); file >= 0) return file;
#endif
  // A file system that cannot do so: the name is taken away at once.
  std::string name = (folder / ".lectern-spool-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) throw system_error(folder, "a temporary file cannot be made", errno);
  ::unlink(name.c_str());
  return file;
}

}  // namespace

Spool::Spool(const std::filesystem::path& folder)
    : folder_(folder.empty() ? "." : folder), file_(nullptr, &std::fclose) {
  const int descriptor = open_without_name(folder_);
  file_.reset(::fdopen(descriptor, "w+b"));
  if (file_ == nullptr) {
    const int code = errno;
    ::close(descriptor);
    throw system_error(folder_, "a temporary file cannot be made", code);
  }
}

Spool::Place Spool::add(std::string_view bytes) {
  const Place place{size_, static_cast<int64_t>(bytes.size())};
  if (std::fseek(file_.get(), 0, SEEK_END) != 0 ||
      std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size() || std::fflush(file_.get()) != 0) {
    throw system_error(folder_, "a temporary file cannot be written", errno);
  }
  size_ += place.size;
  return place;
}

void Spool::read(Place place, const std::function<void(std::string_view)>& take) const {
  std::array<char, piece_size> piece{};
  if (::fseeko(file_.get(), place.offset, SEEK_SET) != 0) {
    throw system_error(folder_, "a temporary file cannot be read", errno);
  }
  for (int64_t left = place.size; left > 0;) {
    const size_t wanted = static_cast<size_t>(std::min<int64_t>(left, static_cast<int64_t>(piece.size())));
    if (std::fread(piece.data(), 1, wanted, file_.get()) != wanted) {
      throw system_error(folder_, "a temporary file cannot be read", errno);
    }
    take({piece.data(), wanted});
    left -= static_cast<int64_t>(wanted);
  }
}

}  // namespace lectern
