#include "image/embedded_picture.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vips/vips8>

#include "image/vips_start.h"

namespace lectern {
namespace {

using namespace std::string_view_literals;

constexpr int64_t max_palette = 3 * 256;

// Reads numbers, the highest byte first, at any place of a file; 0 behind its end.
class FileBytes {
 public:
  explicit FileBytes(int file) : file_(file) {
    struct stat status {};
    size_ = ::fstat(file, &status) == 0 ? status.st_size : 0;
  }
  int64_t size() const { return size_; }
  std::string text(int64_t at, size_t length) const {
    std::string bytes(length, '\0');
    const ssize_t got = ::pread(file_, bytes.data(), length, at);
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }
  uint32_t number(int64_t at, size_t length) const {
    uint32_t value = 0;
    for (const char byte : text(at, length)) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }

 private:
  int file_;
  int64_t size_ = 0;
};

// Baseline or progressive, of 8 bits, which is what readers of PDF decode.
std::optional<EmbeddedPicture> read_jpeg(const FileBytes& file) {
  EmbeddedPicture picture;
  bool adobe = false, framed = false;
  for (int64_t at = 2; at + 4 <= file.size();) {
    const uint32_t marker = file.number(at, 2), length = file.number(at + 2, 2);
    if (marker == 0xFFFF) {  // a byte that fills
      ++at;
      continue;
    }
    if (marker < 0xFFC0 || length < 2) return std::nullopt;
    if (marker == 0xFFDA) break;  // the picture
    const bool frame = marker <= 0xFFCF && marker != 0xFFC4 && marker != 0xFFC8 && marker != 0xFFCC;
    if (frame) {
      if (framed || marker > 0xFFC2 || file.number(at + 4, 1) != 8) return std::nullopt;
      framed = true;
      picture.height = static_cast<int>(file.number(at + 5, 2));
      picture.width = static_cast<int>(file.number(at + 7, 2));
      picture.samples = static_cast<int>(file.number(at + 9, 1));
    }
    if (marker == 0xFFEE && file.text(at + 4, 5) == "Adobe") adobe = true;
    at += 2 + length;
  }
  const bool usual = picture.samples == 1 || picture.samples == 3 || picture.samples == 4;
  if (!framed || !usual || picture.width == 0 || picture.height == 0) return std::nullopt;
  picture.inverted = picture.samples == 4 && adobe;
  picture.pieces.push_back({0, file.size()});
  return picture;
}

std::optional<EmbeddedPicture> read_png(const FileBytes& file) {
  EmbeddedPicture picture;
  picture.kind = EmbeddedPicture::Kind::png;
  bool indexed = false;
  for (int64_t at = 8; at + 12 <= file.size();) {
    const int64_t length = file.number(at, 4);
    const std::string kind = file.text(at + 4, 4);
    if (length > file.size() - at - 12) return std::nullopt;
    if (kind == "IHDR") {
      const uint32_t width = file.number(at + 8, 4), height = file.number(at + 12, 4), colour = file.number(at + 17, 1);
      if (width == 0 || height == 0 || std::max(width, height) > 0x7FFFFFFF) return std::nullopt;
      if (colour != 0 && colour != 2 && colour != 3) return std::nullopt;  // transparency
      if (file.number(at + 18, 3) != 0) return std::nullopt;               // interlacing among them
      picture.width = static_cast<int>(width);
      picture.height = static_cast<int>(height);
      picture.bits = static_cast<int>(file.number(at + 16, 1));
      picture.samples = colour == 2 ? 3 : 1;
      indexed = colour == 3;
    }
    if (kind == "tRNS") return std::nullopt;
    if (kind == "PLTE" && indexed && length <= max_palette) {
      picture.palette = file.text(at + 8, static_cast<size_t>(length));
    }
    if (kind == "IDAT") picture.pieces.push_back({at + 8, length});
    if (kind == "IEND") break;
    at += 12 + length;
  }
  if (picture.width == 0 || picture.pieces.empty() || indexed == picture.palette.empty()) return std::nullopt;
  return picture;
}

int orientation_of(int file) try {
  start_vips();
  const vips::VImage header = vips::VImage::new_from_file(("/proc/self/fd/" + std::to_string(file)).c_str());
  return vips_image_get_orientation(header.get_image());
} catch (const vips::VError&) {
  vips_error_clear();
  return 0;
}

}  // namespace

std::optional<EmbeddedPicture> embedded_picture(int file) {
  const FileBytes bytes(file);
  const std::string start = bytes.text(0, 8);
  std::optional<EmbeddedPicture> picture;
  if (start.starts_with("\xff\xd8\xff"sv)) picture = read_jpeg(bytes);
  if (start == "\x89PNG\r\n\x1a\n"sv) picture = read_png(bytes);
  if (!picture) return std::nullopt;
  picture->orientation = orientation_of(file);
  if (picture->orientation < 1 || picture->orientation > 8) return std::nullopt;
  return picture;
}

std::array<double, 6> shown_picture(int orientation, int turn) {
  // x = a u + c v + e and y = b u + d v + f, with y upwards.
  constexpr std::array<std::array<double, 6>, 8> oriented = {{{1, 0, 0, 1, 0, 0},
                                                              {-1, 0, 0, 1, 1, 0},
                                                              {-1, 0, 0, -1, 1, 1},
                                                              {1, 0, 0, -1, 0, 1},
                                                              {0, -1, -1, 0, 1, 1},
                                                              {0, -1, 1, 0, 0, 1},
                                                              {0, 1, 1, 0, 0, 0},
                                                              {0, 1, -1, 0, 1, 0}}};
  std::array<double, 6> m = oriented.at(static_cast<size_t>(orientation) - 1);
  for (int quarter = 0; quarter < turn / 90; ++quarter) {  // x' = y, y' = 1 - x
    m = {m[1], -m[0], m[3], -m[2], m[5], 1 - m[4]};
  }
  return m;
}

}  // namespace lectern
