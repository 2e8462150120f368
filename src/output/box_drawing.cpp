#include "output/box_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <vips/vips8>

#include "image/pixel_box.h"
#include "image/vips_start.h"
#include "layout/markup.h"
#include "output/page_note.h"

namespace lectern {
namespace {

constexpr size_t max_boxes = 5000;  // drawn; a page of the model's has some hundreds at most
constexpr size_t max_labels = 1000;
constexpr size_t max_label_characters = 40;         // characters
constexpr int note_width = 800, note_height = 200;  // of a page that has no size
constexpr int64_t max_blank_pixels = 40'000'000;    // pixels

struct Colour {
  uint8_t red, green, blue;
};
constexpr Colour note_colour{176, 0, 32};
// Dark enough for white letters, and told apart by most eyes.
constexpr std::array<Colour, 8> colours = {{{0, 90, 181},
                                            {193, 61, 0},
                                            {0, 118, 80},
                                            {140, 50, 140},
                                            {150, 100, 0},
                                            {0, 110, 140},
                                            {190, 30, 90},
                                            {85, 85, 85}}};

Colour colour_of(std::string_view label) {
  uint32_t hash = 2166136261;
  for (const char c : label) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619;
  return colours[(hash >> 8) % colours.size()];
}

void set(Picture& picture, int x, int y, Colour colour) {
  uint8_t* pixel = picture.row(y) + static_cast<size_t>(x) * 3;
  pixel[0] = colour.red;
  pixel[1] = colour.green;
  pixel[2] = colour.blue;
}

// Right and bottom are exclusive.
void fill(Picture& picture, int left, int top, int right, int bottom, Colour colour) {
  for (int y = std::max(top, 0); y < std::min(bottom, picture.height); ++y) {
    for (int x = std::max(left, 0); x < std::min(right, picture.width); ++x) set(picture, x, y, colour);
  }
}

void outline(Picture& picture, const Box& box, int thickness, Colour colour) {
  const int left = static_cast<int>(std::floor(box.left)), top = static_cast<int>(std::floor(box.top));
  const int right = static_cast<int>(std::ceil(box.right)), bottom = static_cast<int>(std::ceil(box.bottom));
  fill(picture, left, top, right, std::min(top + thickness, bottom), colour);
  fill(picture, left, std::max(bottom - thickness, top), right, bottom, colour);
  fill(picture, left, top, std::min(left + thickness, right), bottom, colour);
  fill(picture, std::max(right - thickness, left), top, right, bottom, colour);
}

// One line of text in grey, white on black; of no size where the machine has no fonts.
struct Letters {
  int width = 0, height = 0;
  std::vector<uint8_t> grey;  // [height, width]
};

Letters letters_of(std::string_view text, int height) {
  start_vips();
  // The text renderer of libvips keeps its fonts in one place for all threads.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  try {
    const vips::VImage image =
        vips::VImage::text(escape_markup(text).c_str(),
                           vips::VImage::option()->set("font", fmt::format("sans {}", height).c_str())->set("dpi", 72));
    size_t size = 0;
    const std::unique_ptr<void, decltype(&g_free)> bytes(image.write_to_memory(&size), &g_free);
    const auto* const grey = static_cast<const uint8_t*>(bytes.get());
    if (image.bands() != 1 || image.format() != VIPS_FORMAT_UCHAR) return {};
    return {image.width(), image.height(), {grey, grey + size}};
  } catch (const vips::VError&) {
    vips_error_clear();
    return {};
  }
}

// Labels of the boxes on a page, each where it hides the least of what is printed.
class Labels {
 public:
  // Both must outlive it. `page` is what was there before anything was drawn.
  Labels(Picture& drawn, const Picture& page) : drawn_(drawn), page_(page) {}

  // White letters on the colour: above the box, else beside it or below it.
  void add(const Box& box, int thickness, int height, Colour colour, std::string_view text) {
    const Letters letters = letters_of(text, height);
    if (letters.width == 0) return;
    const int margin = std::max(height / 4, 2);
    const int width = letters.width + 2 * margin, tall = std::max(letters.height, height) + 2 * margin;
    const int left = static_cast<int>(box.left), right = static_cast<int>(box.right);
    const int top = static_cast<int>(box.top) + thickness, bottom = static_cast<int>(box.bottom) - thickness;
    const std::array<std::pair<int, int>, 5> corners = {{{left, top - tall},
                                                         {left - width, top - thickness},
                                                         {right, top - thickness},
                                                         {left, bottom},
                                                         {right - width, top - tall}}};
    PixelBox best{};
    int64_t least = -1;
    for (const auto& [x, y] : corners) {
      const PixelBox area = within(x, y, width, tall);
      const int64_t hidden = hides(area);
      if (least < 0 || hidden < least) {
        least = hidden;
        best = area;
      }
      if (hidden == 0) break;
    }
    draw(best, margin, letters, colour);
  }

  // At the top of the page.
  void add_note(int height, std::string_view text) {
    const Letters letters = letters_of(text, height);
    const int margin = std::max(height / 4, 2);
    if (letters.width == 0) return;
    draw(within(0, 0, letters.width + 2 * margin, std::max(letters.height, height) + 2 * margin), margin, letters,
         note_colour);
  }

 private:
  // There, or as near as the picture allows.
  PixelBox within(int left, int top, int width, int height) const {
    left = std::max(0, std::min(left, drawn_.width - width));
    top = std::max(0, std::min(top, drawn_.height - height));
    return {left, top, left + width, top + height};
  }

  // Pixels that are darker than paper, and twice all of it for another label.
  int64_t hides(const PixelBox& area) const {
    constexpr int paper = 140;
    int64_t hidden = 0;
    for (int y = area.top; y < std::min(area.bottom, page_.height); ++y) {
      for (int x = area.left; x < std::min(area.right, page_.width); ++x) {
        hidden += page_.row(y)[static_cast<size_t>(x) * 3 + 1] < paper ? 1 : 0;
      }
    }
    const int64_t size = int64_t{area.right - area.left} * (area.bottom - area.top);
    for (const PixelBox& label : placed_) hidden += area.overlaps(label) ? 2 * size : 0;
    return hidden;
  }

  void draw(const PixelBox& area, int margin, const Letters& letters, Colour colour) {
    placed_.push_back(area);
    fill(drawn_, area.left, area.top, area.right, area.bottom, colour);
    const auto mix = [](uint8_t from, int grey) { return static_cast<uint8_t>(from + (255 - from) * grey / 255); };
    for (int y = 0; y < letters.height && area.top + margin + y < drawn_.height; ++y) {
      for (int x = 0; x < letters.width && area.left + margin + x < drawn_.width; ++x) {
        const int grey =
            letters.grey[static_cast<size_t>(y) * static_cast<size_t>(letters.width) + static_cast<size_t>(x)];
        set(drawn_, area.left + margin + x, area.top + margin + y,
            {mix(colour.red, grey), mix(colour.green, grey), mix(colour.blue, grey)});
      }
    }
  }

  Picture& drawn_;
  const Picture& page_;
  std::vector<PixelBox> placed_;
};

std::string first_characters(std::string_view text) {
  const std::u32string characters = characters_of(text);
  std::string out;
  for (size_t i = 0; i < std::min(characters.size(), max_label_characters); ++i) {
    out += characters[i] < 0x20 ? " " : utf8_of(characters[i]);
  }
  return out + (characters.size() > max_label_characters ? "..." : "");
}

Picture white_page(const Page& page) {
  const bool sized =
      page.width > 0 && page.height > 0 && static_cast<int64_t>(page.width) * page.height <= max_blank_pixels;
  Picture picture(sized ? page.width : note_width, sized ? page.height : note_height);
  std::ranges::fill(picture.rgb, uint8_t{255});
  return picture;
}

}  // namespace

Picture with_boxes(const Page& page, const Picture* picture) {
  const Picture plain = picture != nullptr && picture->width > 0 ? *picture : white_page(page);
  Picture drawn = plain;
  const int side = std::min(drawn.width, drawn.height);
  const int thickness = std::max(2, side / 500), height = std::max(10, side / 80);
  Labels places(drawn, plain);
  // Labels lie above all outlines.
  for (const bool labels : {false, true}) {
    size_t boxes = 0;
    const auto draw = [&](const Box& box, Colour colour, std::string_view text) {
      if (++boxes > max_boxes) return;
      if (labels && boxes <= max_labels) places.add(box, thickness, height, colour, text);
      if (!labels) outline(drawn, box, thickness, colour);
    };
    for (size_t i = 0; i < page.blocks.size() && boxes < max_boxes; ++i) {
      const Block& block = page.blocks[i];
      const Colour colour = colour_of(block.label);
      const std::string text =
          fmt::format("{} {}", i + 1, block.label.empty() ? "text" : first_characters(block.label));
      for (const Box& box : block.boxes) draw(box, colour, text);
      for (const TextSpan& span : block.spans) {
        const std::string words = first_characters(block.text.substr(span.begin, span.end - span.begin));
        for (const Box& box : span.boxes) draw(box, colour_of(words), words);
      }
    }
  }
  if (const std::string note = page_note(page); !note.empty()) places.add_note(height, note);
  return drawn;
}

}  // namespace lectern
