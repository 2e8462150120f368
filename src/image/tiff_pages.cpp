#include "image/tiff_pages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/io.h"
#include "core/unique_fd.h"

namespace lectern {
namespace {

constexpr size_t max_pages = 1'000'000;  // a file that seems to have more is left to libvips

ssize_t read_at(int file, void* to, size_t bytes, uint64_t at) {
  return pread_some(file, to, bytes, static_cast<off_t>(at));
}

// A file with other bytes in two places.
struct PatchedFile {
  struct Patch {
    int64_t at = 0;
    std::vector<uint8_t> bytes;
  };
  UniqueFd file;
  int64_t size = 0, position = 0;
  std::array<Patch, 2> patches;

  int64_t read(uint8_t* to, int64_t length) {
    const int64_t got = read_at(file.get(), to, static_cast<size_t>(length), static_cast<uint64_t>(position));
    for (const Patch& patch : patches) {
      for (size_t i = 0; i < patch.bytes.size(); ++i) {
        const int64_t place = patch.at + static_cast<int64_t>(i) - position;
        if (place >= 0 && place < got) to[place] = patch.bytes[i];
      }
    }
    if (got > 0) position += got;
    return got;
  }

  int64_t seek(int64_t offset, int whence) {
    const int64_t to = offset + (whence == SEEK_CUR ? position : whence == SEEK_END ? size : 0);
    return to < 0 ? -1 : position = to;
  }
};

gint64 on_read(VipsSourceCustom*, void* to, gint64 length, PatchedFile* from) {
  return from->read(static_cast<uint8_t*>(to), length);
}

gint64 on_seek(VipsSourceCustom*, gint64 offset, int whence, PatchedFile* in) { return in->seek(offset, whence); }

}  // namespace

uint64_t TiffPages::number_at(uint64_t at, size_t bytes) const {
  std::array<uint8_t, 8> read{};
  if (read_at(file_, read.data(), bytes, at) != static_cast<ssize_t>(bytes)) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | read[little_ ? bytes - 1 - i : i];
  return value;
}

TiffPages::TiffPages(int file) : file_(file) {
  std::array<char, 4> magic{};
  if (read_at(file, magic.data(), magic.size(), 0) != static_cast<ssize_t>(magic.size())) return;
  using namespace std::string_view_literals;
  const std::string_view start(magic.data(), magic.size());
  little_ = start == "II*\0"sv || start == "II+\0"sv;
  big_ = start == "II+\0"sv || start == "MM\0+"sv;
  if (!little_ && !big_ && start != "MM\0*"sv) return;
  struct stat status {};
  if (::fstat(file, &status) != 0) return;
  end_ = read_chain(static_cast<uint64_t>(status.st_size));
}

TiffPages::End TiffPages::read_chain(uint64_t size) {
  const size_t count_bytes = big_ ? 8 : 2, entry_bytes = big_ ? 20 : 12, offset_bytes = big_ ? 8 : 4;
  std::unordered_set<uint64_t> seen;  // a chain may lead back
  uint64_t at = number_at(offset_bytes, offset_bytes);
  while (at != 0) {
    if (at >= size) return End::beyond_file;
    if (!seen.insert(at).second) return End::unreadable;
    const uint64_t entries = number_at(at, count_bytes);
    if (entries == 0) return at + count_bytes > size ? End::beyond_file : End::unreadable;
    if (entries > (size - at) / entry_bytes) return End::beyond_file;
    const uint64_t next = at + count_bytes + entries * entry_bytes;
    if (next + offset_bytes > size) return End::beyond_file;
    directories_.push_back({at, next, says_copy(at, entries)});
    if (directories_.size() > max_pages) {
      directories_.clear();
      return End::whole;
    }
    at = number_at(next, offset_bytes);
  }
  return End::whole;
}

bool TiffPages::says_copy(uint64_t directory, uint64_t entries) const {
  constexpr uint64_t new_kind = 254, old_kind = 255;  // NewSubfileType: bits; SubfileType: 2 is a reduced copy
  constexpr uint64_t reduced = 1, mask = 4, old_reduced = 2;
  const size_t count_bytes = big_ ? 8 : 2, entry_bytes = big_ ? 20 : 12, value_at = big_ ? 12 : 8;
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + count_bytes + i * entry_bytes, tag = number_at(entry, 2);
    if (tag > old_kind) return false;  // they are sorted
    if (tag != new_kind && tag != old_kind) continue;
    const uint64_t value = number_at(entry + value_at, number_at(entry + 2, 2) == 3 ? 2 : 4);  // of 16 or 32 bits
    if (tag == new_kind ? (value & (reduced | mask)) != 0 : value == old_reduced) return true;
  }
  return false;
}

vips::VSource TiffPages::page(size_t index) const {
  const Directory& directory = directories_.at(index);
  const size_t offset_bytes = big_ ? 8 : 4;
  auto patched = std::make_unique<PatchedFile>();
  patched->file = UniqueFd(::fcntl(file_, F_DUPFD_CLOEXEC, 0));
  struct stat status {};
  if (::fstat(file_, &status) == 0) patched->size = status.st_size;
  std::vector<uint8_t> begin(offset_bytes);
  for (size_t i = 0; i < offset_bytes; ++i) {
    begin[little_ ? i : offset_bytes - 1 - i] = static_cast<uint8_t>(directory.begin >> (8 * i));
  }
  // In the header of either kind the first offset lies at as many bytes as it has.
  patched->patches = {{{static_cast<int64_t>(offset_bytes), std::move(begin)},
                       {static_cast<int64_t>(directory.next), std::vector<uint8_t>(offset_bytes, 0)}}};
  VipsSourceCustom* const source = vips_source_custom_new();
  PatchedFile* const file = patched.release();  // goes with the source
  g_object_set_data_full(G_OBJECT(source), "lectern-file", file,
                         [](gpointer owned) { delete static_cast<PatchedFile*>(owned); });
  g_signal_connect(source, "read", G_CALLBACK(on_read), file);
  g_signal_connect(source, "seek", G_CALLBACK(on_seek), file);
  return vips::VSource(VIPS_SOURCE(source));
}

}  // namespace lectern
