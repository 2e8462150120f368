#include "image/picture_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "core/files/file_kind.h"
#include "image/picture_encoder.h"
#include "image/picture_pixels.h"
#include "image/tiff_pages.h"
#include "image/vips_start.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using vips::VError;
using vips::VImage;
using vips::VSource;

constexpr const char* known_formats = "JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF";

struct Loader {
  std::string_view type;  // of libvips
  const char* format;
};
constexpr std::array<Loader, 6> known_loaders = {{{"VipsForeignLoadJpegSource", "JPEG"},
                                                  {"VipsForeignLoadPngSource", "PNG"},
                                                  {"VipsForeignLoadWebpSource", "WebP"},
                                                  {"VipsForeignLoadTiffSource", "TIFF"},
                                                  {"VipsForeignLoadNsgifSource", "GIF"},
                                                  {"VipsForeignLoadHeifSource", "HEIC or AVIF"}}};

// The first line of a message of libvips. Its error buffer is shared by all threads, so under load a line may speak of
// another file; the name in front of it is always right.
std::string reason(const VError& error) {
  vips_error_clear();
  const std::string text = error.what();
  const size_t end = text.find_first_of("\r\n");
  return text.empty() ? "its head is damaged, or says a size that no picture has" : text.substr(0, end);
}

// libvips takes a TIFF for one only when its directory can be read, which often comes last in the file.
bool starts_like_tiff(const VSource& source) {
  const auto* start = reinterpret_cast<const char*>(vips_source_sniff(source.get_source(), 4));
  if (start == nullptr) return false;
  const std::string_view magic(start, 4);
  using namespace std::string_view_literals;
  return magic == "II*\0"sv || magic == "MM\0*"sv || magic == "II+\0"sv || magic == "MM\0+"sv;
}

// "ftyp" with a brand of sequences: avis, hevc, msf1.
bool is_picture_sequence(const VSource& source) {
  const auto* start = reinterpret_cast<const char*>(vips_source_sniff(source.get_source(), 12));
  if (start == nullptr || std::string_view(start + 4, 4) != "ftyp") return false;
  const std::string_view brand(start + 8, 4);
  return brand == "avis" || brand == "hevc" || brand == "hevx" || brand == "msf1";
}

const Loader& loader_for(const VSource& source, const std::string& name) {
  const char* type = vips_foreign_find_load_source(source.get_source());
  const auto loader = std::find_if(known_loaders.begin(), known_loaders.end(),
                                   [&](const Loader& l) { return type != nullptr && l.type == type; });
  if (loader == known_loaders.end()) {
    const bool tiff = starts_like_tiff(source), sequence = is_picture_sequence(source);
    vips_error_clear();
    if (tiff)
      throw Error(name + ": damaged or incomplete TIFF picture: its directory cannot be read",
                  ErrorCode::corrupt_input);
    if (sequence) {
      throw Error(name + ": an animated AVIF or HEIC (a sequence of pictures), which is not read; expected " +
                      known_formats + " with a still picture",
                  ErrorCode::unsupported);
    }
    throw Error(name + ": not a picture of a known format; expected " + known_formats, ErrorCode::corrupt_input);
  }
  return *loader;
}

bool is(const Loader& loader, std::string_view format) { return loader.format == format; }

// The picture as it is stored, by the loader's own measures.
struct Stored {
  Picture picture;
  int orientation = 1;
  bool has_alpha = false;
  double dpi_across = 0, dpi_down = 0;  // 0: the file does not say
};

Stored decode_stored(const VSource& source, const Loader& loader, const std::string& name, const PictureLimits& limits,
                     int index, VipsFailOn strictness, bool on_black) {
  auto* options = VImage::option()->set("access", VIPS_ACCESS_SEQUENTIAL)->set("fail_on", strictness);
  if (is(loader, "TIFF")) options->set("page", index);
  VImage image = VImage::new_from_source(source, "", options);
  check_picture_size(image.width(), image.height(), name, limits);
  Stored stored;
  stored.orientation = vips_image_get_orientation(image.get_image());
  stored.has_alpha = image.has_alpha();
  // One pixel a millimetre is what libvips says of a file that says nothing.
  constexpr double millimetres = 25.4, min_dpi = 30;
  if (image.xres() * millimetres >= min_dpi && image.yres() * millimetres >= min_dpi) {
    stored.dpi_across = image.xres() * millimetres;
    stored.dpi_down = image.yres() * millimetres;
  }
  switch (image.interpretation()) {
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_XYZ: image = image.colourspace(VIPS_INTERPRETATION_sRGB).cast(VIPS_FORMAT_UCHAR); break;
    default: break;
  }
  stored.picture = decode_pixels(image, name, on_black);
  return stored;
}

// A JPEG without its end mark, with one.
Stored decode_with_end(const VSource& source, const Loader& loader, const std::string& name,
                       const PictureLimits& limits) {
  size_t size = 0;
  const void* const mapped = vips_source_map(source.get_source(), &size);
  if (mapped == nullptr) throw VError();
  std::vector<uint8_t> bytes(size);
  std::copy_n(static_cast<const uint8_t*>(mapped), size, bytes.data());
  bytes.insert(bytes.end(), {0xFF, 0xD9});
  // What is missing beside the mark is a warning of the library.
  return decode_stored(VSource::new_from_memory(bytes.data(), bytes.size()), loader, name, limits, 0,
                       VIPS_FAIL_ON_WARNING, false);
}

// Decodes what can be had of a file; where it is damaged, but all of its rows are there, with a warning.
Stored decode_leniently(const VSource& source, const Loader& loader, const std::string& name,
                        const PictureLimits& limits, int index, std::vector<Warning>& warnings) {
  if (!is(loader, "JPEG")) return decode_stored(source, loader, name, limits, index, VIPS_FAIL_ON_ERROR, false);
  std::string complaint;
  try {
    return decode_stored(source, loader, name, limits, index, VIPS_FAIL_ON_WARNING, false);
  } catch (const VError& error) {
    complaint = reason(error);
  }
  std::string failure;
  try {
    Stored stored = decode_stored(source, loader, name, limits, index, VIPS_FAIL_ON_ERROR, false);
    warnings.push_back({WarningCode::damaged_input, "the picture is damaged: " + complaint, std::nullopt});
    return stored;
  } catch (const VError& error) {
    failure = error.what();
    vips_error_clear();
  }
  try {
    Stored stored = decode_with_end(source, loader, name, limits);
    warnings.push_back(
        {WarningCode::damaged_input, "the picture lacks its end mark; the file may have been cut", std::nullopt});
    return stored;
  } catch (const VError&) {
    vips_error_clear();
    throw VError(failure);
  }
}

// Stretches the side on which pixels lie less densely, so that they are square; the other one is shrunk where the
// result would pass the limits. A ratio that no fax has is taken for a mistake.
void make_square(Stored& stored, const PictureLimits& limits, std::vector<Warning>& warnings) {
  constexpr double min_ratio = 1.02, max_ratio = 4.5;
  const double across = stored.dpi_across, down = stored.dpi_down;
  if (across <= 0 || std::max(across, down) < min_ratio * std::min(across, down)) return;
  const std::string shape = fmt::format("its pixels are not square ({:.0f} x {:.0f} dots per inch)", across, down);
  if (std::max(across, down) > max_ratio * std::min(across, down)) {
    warnings.push_back({WarningCode::stretched, shape + ", which was not believed", std::nullopt});
    stored.dpi_across = stored.dpi_down = 0;
    return;
  }
  const Picture& from = stored.picture;
  double dpi = std::max(across, down);
  const double width = from.width / across, height = from.height / down;  // inches
  dpi = std::min({dpi, static_cast<double>(limits.max_side) / std::max(width, height),
                  std::sqrt(static_cast<double>(limits.max_pixels) / width / height)});
  const VImage image = VImage::new_from_memory(const_cast<uint8_t*>(from.rgb.data()), from.rgb.size(), from.width,
                                               from.height, 3, VIPS_FORMAT_UCHAR);
  const VImage square = image.resize(dpi / across, VImage::option()->set("vscale", dpi / down));
  Picture picture = decode_bytes(square);
  if (is_black_and_white(from)) {  // as a fax is: it stays so
    for (uint8_t& sample : picture.rgb) sample = sample < 128 ? 0 : 255;
  }
  warnings.push_back({WarningCode::stretched,
                      fmt::format("{}; stretched from {} x {} to {} x {}", shape, from.width, from.height,
                                  picture.width, picture.height),
                      std::nullopt});
  stored.picture = std::move(picture);
  stored.dpi_across = stored.dpi_down = dpi;
}

// Files that count in metres have 299.9994 where 300 was meant.
double usual_dpi(double dpi) { return std::abs(dpi - std::round(dpi)) < 0.02 ? std::round(dpi) : dpi; }

UprightPicture decode(const VSource& source, const std::string& name, const PictureLimits& limits, int index = 0) {
  const Loader& loader = loader_for(source, name);
  try {
    UprightPicture upright;
    Stored stored = decode_leniently(source, loader, name, limits, index, upright.warnings);
    if (stored.has_alpha && is_white(stored.picture)) {
      Stored dark = decode_stored(source, loader, name, limits, index, VIPS_FAIL_ON_ERROR, true);
      if (!has_one_value(dark.picture)) {
        upright.warnings.push_back(put_on_black());
        stored = std::move(dark);
      }
    }
    make_square(stored, limits, upright.warnings);
    constexpr double no_resolution = 72.5;
    if (stored.dpi_across >= no_resolution) upright.dpi = usual_dpi((stored.dpi_across + stored.dpi_down) / 2);
    upright.picture = turn_upright(std::move(stored.picture), stored.orientation);
    upright.turn = turn_of(stored.orientation);
    return upright;
  } catch (const VError& error) {
    throw Error(name + ": damaged or incomplete " + loader.format + " picture: " + reason(error),
                ErrorCode::corrupt_input);
  }
}

// Line breaks in file names or in messages of libraries must not break the one line of an Error.
template <class Body>
auto in_one_line(Body body) {
  try {
    return body();
  } catch (const Error& error) {
    std::string text = error.what();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    throw Error(text, error.code());
  }
}

// body(source), with what libvips throws outside of decoding as an Error.
template <class Body>
auto with_source(const std::filesystem::path& file, const std::string& name, Body body) {
  return in_one_line([&] {
    std::error_code failure;
    const auto status = std::filesystem::status(file, failure);
    if (!std::filesystem::exists(status)) {
      throw Error(name + ": cannot open: " + (failure ? failure.message() : "no such file"), ErrorCode::not_found);
    }
    if (std::filesystem::is_directory(status)) throw Error(name + ": is a folder; expected a picture file");
    if (!std::filesystem::is_regular_file(status)) throw Error(name + ": is not a regular file; expected a picture");
    if (std::filesystem::file_size(file, failure) == 0)
      throw Error(name + ": the file is empty; expected a picture", ErrorCode::corrupt_input);
    start_vips();
    try {
      return body(VSource::new_from_file(file.c_str()));
    } catch (const VError& error) {
      throw Error(name + ": cannot read: " + reason(error), ErrorCode::io);
    }
  });
}

// The frames of an animated PNG, which libvips does not count: the chunk acTL, before the pixels, says how many.
int frames_of_png(const std::filesystem::path& file) {
  constexpr size_t searched = size_t{1} << 20, signature = 8, chunk_frame = 12;  // length, type and checksum
  const std::string bytes = first_bytes(file, searched);
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  for (size_t at = signature; at + chunk_frame <= bytes.size(); at += chunk_frame + number(at)) {
    const std::string_view type = std::string_view(bytes).substr(at + 4, 4);
    if (type == "acTL") return static_cast<int>(std::clamp<uint32_t>(number(at + 8), 1, 1U << 30));
    if (type == "IDAT") break;
  }
  return 1;
}

}  // namespace

void check_picture_size(int64_t width, int64_t height, std::string_view name, const PictureLimits& limits) {
  const std::string size = fmt::format("{}: the picture has {} x {} pixels", name, width, height);
  if (std::max(width, height) > limits.max_side)
    throw Error(fmt::format("{}; the limit is {} a side", size, limits.max_side), ErrorCode::unsupported);
  if (width * height > limits.max_pixels)
    throw Error(fmt::format("{}; the limit is {} in all", size, limits.max_pixels), ErrorCode::unsupported);
}

Warning put_on_black() {
  return {WarningCode::on_black, "it is white on a transparent ground, and was put on black", std::nullopt};
}

std::vector<std::pair<std::string, bool>> picture_formats() {
  start_vips();
  std::vector<std::pair<std::string, bool>> formats;
  for (const Loader& loader : known_loaders) {
    // libvips registers no loader that it was built without.
    const bool there = g_type_from_name(std::string(loader.type).c_str()) != 0;
    formats.emplace_back(loader.format, there);
  }
  return formats;
}

PictureContents examine_picture(const std::filesystem::path& file, const std::string& name) {
  return with_source(file, name, [&](const VSource& source) {
    const Loader& loader = loader_for(source, name);
    PictureContents contents;
    // vips_image_get_n_pages() takes counts from 10,000 on for nonsense and says 1.
    const VImage image = VImage::new_from_source(source, "", VImage::option()->set("access", VIPS_ACCESS_SEQUENTIAL));
    int count = image.get_typeof(VIPS_META_N_PAGES) == 0 ? 1 : std::max(1, image.get_int(VIPS_META_N_PAGES));
    if (is(loader, "PNG")) count = frames_of_png(file);
    if (is(loader, "TIFF")) {
      contents.pages = count;
    } else if (count > 1) {
      const bool moving = is(loader, "GIF") || is(loader, "WebP") || is(loader, "PNG");
      contents.left_out.push_back({WarningCode::not_read,
                                   fmt::format("1 of {} {} was read", count, moving ? "frames" : "pictures"),
                                   std::nullopt});
    }
    return contents;
  });
}

UprightPicture read_picture_page(const std::filesystem::path& file, const std::string& name, int index,
                                 const PictureLimits& limits) {
  return with_source(file, name, [&](const VSource& source) { return decode(source, name, limits, index); });
}

UprightPicture read_tiff_page(const TiffPages& pages, const std::string& name, int index, const PictureLimits& limits) {
  return in_one_line([&] {
    start_vips();
    try {
      return decode(pages.page(static_cast<size_t>(index)), name, limits);
    } catch (const VError& error) {
      throw Error(name + ": cannot read: " + reason(error), ErrorCode::io);
    }
  });
}

Picture read_picture(const std::filesystem::path& file, const PictureLimits& limits) {
  return read_picture_page(file, file.string(), 0, limits).picture;
}

Picture read_picture(std::span<const std::byte> bytes, std::string_view name, const PictureLimits& limits) {
  return in_one_line([&] {
    if (bytes.empty()) throw Error(std::string(name) + ": no bytes; expected a picture", ErrorCode::corrupt_input);
    start_vips();
    try {
      return decode(VSource::new_from_memory(bytes.data(), bytes.size()), std::string(name), limits).picture;
    } catch (const VError& error) {
      throw Error(std::string(name) + ": cannot read: " + reason(error), ErrorCode::io);
    }
  });
}

}  // namespace lectern
