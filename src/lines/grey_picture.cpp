#include "lines/grey_picture.h"

#include <leptonica/allheaders.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "lines/pix.h"

namespace lectern {
namespace {

constexpr int ink_contrast = 24;  // minimum difference of ink from the paper, in tones
constexpr int wanted_contrast = 130;
constexpr double max_stretch = 4;

uint8_t commonest_tone(const std::vector<uint8_t>& values) {
  std::array<int, 256> counts{}, smooth{};
  for (const uint8_t value : values) ++counts[value];
  for (int tone = 0; tone < 256; ++tone) {
    for (int t = std::max(0, tone - 3); t <= std::min(255, tone + 3); ++t)
      smooth[static_cast<size_t>(tone)] += counts[static_cast<size_t>(t)];
  }
  return static_cast<uint8_t>(std::ranges::max_element(smooth) - smooth.begin());
}

}  // namespace

GreyPicture::GreyPicture(const Picture& picture) : GreyPicture(picture.width, picture.height) {
  const uint8_t* from = picture.rgb.data();
  for (uint8_t& value : values) {
    value = static_cast<uint8_t>((77 * from[0] + 150 * from[1] + 29 * from[2]) >> 8);
    from += 3;
  }
  paper = commonest_tone(values);
}

GreyPicture GreyPicture::cut(const PixelBox& box) const {
  GreyPicture out(box.width(), box.height());
  for (int y = 0; y < out.height; ++y) {
    const auto from = values.begin() + static_cast<ptrdiff_t>(box.top + y) * width + box.left;
    std::copy(from, from + out.width, out.values.begin() + static_cast<ptrdiff_t>(y) * out.width);
  }
  out.paper = commonest_tone(out.values);
  return out;
}

GreyPicture GreyPicture::on_paper(uint8_t tone) const {
  GreyPicture out = *this;
  out.paper = tone;
  long darker = 0, lighter = 0;
  std::array<int, 256> contrasts{};
  for (const uint8_t value : values) {
    const int contrast = std::abs(value - paper);
    if (contrast < ink_contrast) continue;
    (value < paper ? darker : lighter) += contrast;
    ++contrasts[static_cast<size_t>(contrast)];
  }
  // Contrast of the darkest tenth of the ink.
  int ink = 0, full = 255;
  for (const int count : contrasts) ink += count;
  for (int seen = contrasts[255]; full > ink_contrast && seen * 10 < ink; seen += contrasts[static_cast<size_t>(full)])
    --full;
  const double stretch = std::clamp(static_cast<double>(std::min<int>(wanted_contrast, tone)) / full, 1.0, max_stretch);
  const double sign = lighter > darker ? -stretch : stretch;
  for (uint8_t& value : out.values) value = static_cast<uint8_t>(std::clamp(tone + sign * (value - paper), 0.0, 255.0));
  return out;
}

GreyPicture GreyPicture::resized(int new_width, int new_height) const {
  GreyPicture out(new_width, new_height);
  out.paper = paper;
  const PixPointer from = to_pix(*this);
  const auto scale = [](int to, int whole) { return static_cast<float>(to) / static_cast<float>(whole); };
  const PixPointer to(from ? pixScaleGeneral(from.get(), scale(new_width, width), scale(new_height, height), 0, 0)
                           : nullptr);
  std::ranges::fill(out.values, paper);
  if (!to) return out;
  for (int y = 0; y < std::min<int>(new_height, pixGetHeight(to.get())); ++y) {
    const l_uint32* line = pixGetData(to.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(to.get());
    for (int x = 0; x < std::min<int>(new_width, pixGetWidth(to.get())); ++x) {
      out.values[static_cast<size_t>(y) * static_cast<size_t>(new_width) + static_cast<size_t>(x)] =
          GET_DATA_BYTE(line, x);
    }
  }
  return out;
}

}  // namespace lectern
