#include "output/pdf/spool.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "core/files/file.h"
#include "core/io.h"

namespace lectern {
namespace {

constexpr size_t piece_size = size_t{1} << 16;

}  // namespace

Spool::Spool(const std::filesystem::path& folder)
    : folder_(folder.empty() ? "." : folder), file_(nullptr, &std::fclose) {
  UniqueFd descriptor = unnamed_file(folder_);
  if (descriptor) file_.reset(::fdopen(descriptor.get(), "w+b"));
  if (file_ == nullptr) throw system_error(folder_, "a temporary file cannot be made", errno);
  descriptor.release();  // fclose() closes it
}

Spool::Extent Spool::add(std::string_view bytes) {
  const Extent place{size_, static_cast<int64_t>(bytes.size())};
  if (std::fseek(file_.get(), 0, SEEK_END) != 0 ||
      std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size() || std::fflush(file_.get()) != 0) {
    throw system_error(folder_, "a temporary file cannot be written", errno);
  }
  size_ += place.size;
  return place;
}

Spool::Extent Spool::add_file(int file, const std::string& name, int64_t offset, int64_t bytes) {
  Extent place{size_, 0};
  std::vector<char> piece(size_t{1} << 20);
  while (place.size < bytes) {
    const size_t wanted =
        static_cast<size_t>(std::min<int64_t>(bytes - place.size, static_cast<int64_t>(piece.size())));
    const ssize_t got = pread_some(file, piece.data(), wanted, offset + place.size);
    if (got < 0) throw system_error(name, "cannot be read", errno);
    if (got == 0) break;
    place.size += add({piece.data(), static_cast<size_t>(got)}).size;
  }
  return place;
}

void Spool::read(Extent place, const std::function<void(std::string_view)>& take) const {
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
