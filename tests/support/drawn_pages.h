// Pages for tests: text set by lectern-pdf in PDF's own fonts, and what scanners add to it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/picture.h"
#include "core/temp_folder.h"
#include "input/pdf_file.h"
#include "support/pdf_builder.h"
#include "support/values.h"

namespace lectern::testing {

// A page (A4 unless told otherwise) with this content; see PdfPage.
inline Picture drawn_page(const std::string& content, double dpi = 200, const std::string& box = "0 0 595 842") {
  const TempFolder folder;
  PdfSource source(InputFile(folder.write("page.pdf", pdf_of({PdfPage{content, box}}))), {.dpi = dpi});
  return source.page(0).picture;
}

// A line of text at a place in points from the lower left corner; grey 0 is black.
inline std::string text_at(double x, double y, double size, const std::string& text, double grey = 0) {
  return "BT " + std::to_string(grey) + " g /F " + std::to_string(size) + " Tf " + std::to_string(x) + " " +
         std::to_string(y) + " Td (" + text + ") Tj ET\n";
}

inline uint8_t clamped(double value) { return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)); }

// Paper of this tone (white becomes tone, black stays), with noise of about this deviation.
inline void print_on_paper(Picture& page, const std::vector<double>& tone, double noise, uint32_t seed = 1) {
  Random random(seed);
  for (size_t i = 0; i < page.rgb.size(); i += 3) {
    const double grain = noise * (random.value() + random.value() + random.value());
    for (size_t c = 0; c < 3; ++c) page.rgb[i + c] = clamped(page.rgb[i + c] * tone[c] / 255 + grain);
  }
}

inline void fill(Picture& page, int left, int top, int right, int bottom, uint8_t grey) {
  for (int y = std::max(0, top); y < std::min(page.height, bottom); ++y) {
    std::fill(page.row(y) + 3 * std::max(0, left), page.row(y) + 3 * std::min(page.width, right), grey);
  }
}

// Dark specks of up to `side` pixels, anywhere.
inline void add_specks(Picture& page, int count, int side, uint32_t seed = 1) {
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<int>(random.between(0, page.width - 1));
    const auto y = static_cast<int>(random.between(0, page.height - 1));
    fill(page, x, y, x + static_cast<int>(random.between(1, side)), y + static_cast<int>(random.between(1, side)), 40);
  }
}

// Clockwise by 90, 180 or 270 degrees.
inline Picture turned_page(const Picture& page, int turn) {
  const bool lies = turn % 180 != 0;
  Picture out(lies ? page.height : page.width, lies ? page.width : page.height);
  for (int y = 0; y < page.height; ++y) {
    for (int x = 0; x < page.width; ++x) {
      const int to_x = turn == 90 ? page.height - 1 - y : turn == 180 ? page.width - 1 - x : turn == 270 ? y : x;
      const int to_y = turn == 90 ? x : turn == 180 ? page.height - 1 - y : turn == 270 ? page.width - 1 - x : y;
      std::copy_n(page.row(y) + 3 * x, 3, out.row(to_y) + 3 * to_x);
    }
  }
  return out;
}

}  // namespace lectern::testing
