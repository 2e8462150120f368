#include "image/picture_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <vips/vips8>

#include "image/picture_encoder.h"
#include "image/tiff_pages.h"
#include "image/vips_start.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using vips::VError;
using vips::VImage;
using vips::VRegion;
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
  return text.empty() ? "unknown reason" : text.substr(0, end);
}

void check_limits(const VImage& image, const std::string& name, const PictureLimits& limits) {
  const int64_t width = image.width(), height = image.height();
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (std::max(width, height) > limits.max_side) {
    throw Error(name + ": the picture has " + size + "; the limit is " + std::to_string(limits.max_side) + " a side",
                ErrorCode::unsupported);
  }
  if (width * height > limits.max_pixels) {
    throw Error(name + ": the picture has " + size + "; the limit is " + std::to_string(limits.max_pixels) + " in all",
                ErrorCode::unsupported);
  }
}

// Decodes from the top in strips, in this thread alone. row_done(y, samples): samples of Sample in [width, bands].
template <class Sample, class RowDone>
void for_each_row(const VImage& image, RowDone row_done) {
  constexpr int strip_rows = 64;
  const VRegion region = VRegion::new_from_image(image);
  for (int top = 0; top < image.height(); top += strip_rows) {
    const int rows = std::min(strip_rows, image.height() - top);
    region.prepare(0, top, image.width(), rows);
    for (int y = top; y < top + rows; ++y) {
      row_done(y, reinterpret_cast<const Sample*>(region.addr(0, y)));
    }
  }
}

// Any integer format -> 8 bits of 1 (grey) or 3 (RGB) bands; on white paper or black where it is transparent.
VImage to_8_bit(VImage image, const std::string& name, bool on_black) {
  const bool cmyk = image.interpretation() == VIPS_INTERPRETATION_CMYK;
  int shift = 0;
  switch (image.format()) {
    case VIPS_FORMAT_UCHAR: break;
    case VIPS_FORMAT_USHORT: shift = 8; break;
    case VIPS_FORMAT_UINT: shift = 24; break;
    default:
      throw Error(name + ": the samples are of type " + vips_enum_nick(VIPS_TYPE_BAND_FORMAT, image.format()) +
                      "; expected unsigned integers or floating point",
                  ErrorCode::unsupported);
  }
  if (shift != 0) {
    image = (image >> shift).cast(VIPS_FORMAT_UCHAR);
    image = image.copy(VImage::option()->set("interpretation", cmyk                ? VIPS_INTERPRETATION_CMYK
                                                               : image.bands() < 3 ? VIPS_INTERPRETATION_B_W
                                                                                   : VIPS_INTERPRETATION_sRGB));
  }
  if (image.has_alpha()) {
    const double ground = cmyk == on_black ? 255 : 0;  // no ink, or full light
    image = image.flatten(VImage::option()->set("background", std::vector<double>{ground}));
  }
  if (cmyk) image = image.colourspace(VIPS_INTERPRETATION_sRGB).cast(VIPS_FORMAT_UCHAR);
  const int bands = image.bands() < 3 ? 1 : 3;
  return image.bands() == bands ? image : image.extract_band(0, VImage::option()->set("n", bands));
}

Picture decode_integers(const VImage& image) {
  Picture picture(image.width(), image.height());
  const bool grey = image.bands() == 1;
  for_each_row<uint8_t>(image, [&](int y, const uint8_t* samples) {
    uint8_t* row = picture.row(y);
    if (grey) {
      for (int x = 0; x < picture.width; ++x) row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = samples[x];
    } else {
      std::copy_n(samples, static_cast<size_t>(picture.width) * 3, row);
    }
  });
  return picture;
}

// Bands beyond grey or RGB, alpha among them, are left out.
Picture decode_floats(const VImage& source) {
  const VImage image = source.cast(VIPS_FORMAT_FLOAT);
  const int bands = image.bands(), colours = bands < 3 ? 1 : 3;
  const int width = image.width(), height = image.height();
  std::vector<float> values(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(colours));
  float* to = values.data();
  float largest = 0;
  for_each_row<float>(image, [&](int, const float* samples) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < colours; ++c, ++to) {
        *to = samples[x * bands + c];
        if (*to > largest) largest = *to;
      }
    }
  });
  const float scale = largest <= 1.0f ? 255.0f : 1.0f;
  Picture picture(width, height);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    const float value = values[colours == 1 ? i / 3 : i] * scale + 0.5f;
    picture.rgb[i] = value > 0 ? static_cast<uint8_t>(std::min(value, 255.0f)) : uint8_t{0};  // not-a-number: 0
  }
  return picture;
}

// The picture as it stands after the EXIF orientation 1..8; 5 to 8 exchange width and height.
Picture turn_upright(Picture picture, int orientation) {
  if (orientation < 2 || orientation > 8) return picture;
  const bool exchange = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Picture out(exchange ? picture.height : picture.width, exchange ? picture.width : picture.height);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int along = exchange ? y : x, down = exchange ? x : y;
      const int from_x = from_right ? picture.width - 1 - along : along;
      const int from_y = from_bottom ? picture.height - 1 - down : down;
      std::copy_n(picture.row(from_y) + static_cast<size_t>(from_x) * 3, 3, out.row(y) + static_cast<size_t>(x) * 3);
    }
  }
  return out;
}

// Degrees clockwise of an EXIF orientation; its mirrored kinds are mirrored besides.
int turn_of(int orientation) {
  switch (orientation) {
    case 3:
    case 4: return 180;
    case 6:
    case 7: return 90;
    case 5:
    case 8: return 270;
    default: return 0;
  }
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
    throw Error(name + ": not a picture of a known format; expected " + known_formats, ErrorCode::unsupported);
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
  check_limits(image, name, limits);
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
  const bool floats = image.format() == VIPS_FORMAT_FLOAT || image.format() == VIPS_FORMAT_DOUBLE;
  stored.picture = floats ? decode_floats(image) : decode_integers(to_8_bit(image, name, on_black));
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

bool is_white(const Picture& picture) {
  constexpr uint8_t white = 250;
  return std::ranges::all_of(picture.rgb, [](uint8_t value) { return value >= white; });
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
  Picture picture = decode_integers(square);
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
      const auto same = [&](uint8_t value) { return value == dark.picture.rgb.front(); };
      if (!std::ranges::all_of(dark.picture.rgb, same)) {
        upright.warnings.push_back(
            {WarningCode::on_black, "it is white on a transparent ground, and was put on black", std::nullopt});
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
    throw Error(text, ErrorCode::corrupt_input);
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

}  // namespace

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
    const int count = image.get_typeof(VIPS_META_N_PAGES) == 0 ? 1 : std::max(1, image.get_int(VIPS_META_N_PAGES));
    if (is(loader, "TIFF")) {
      contents.pages = count;
    } else if (count > 1) {
      const bool moving = is(loader, "GIF") || is(loader, "WebP");
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
