// Pages for the tests of the writers.
#pragma once

#include <cstdint>
#include <string>

#include "core/picture.h"
#include "layout/layout.h"
#include "lectern/page.h"
#include "support/raw_outputs.h"

namespace lectern::testing {

inline Page page_of(int number, const std::string& raw, int width = 620, int height = 877) {
  Page page;
  page.number = number;
  page.width = width;
  page.height = height;
  page.dpi = 75;
  page.raw = raw;
  Layout layout = parse_layout(raw, width, height);
  page.blocks = std::move(layout.blocks);
  page.warnings = std::move(layout.warnings);
  page.finish = Finish::end;
  page.mode = Mode::gundam;
  page.stats.vision_tokens = 903;
  page.stats.prompt_tokens = 913;
  page.stats.tokens = 412;
  page.stats.render_seconds = 0.25;
  page.stats.encode_seconds = 2.5;
  page.stats.prefill_seconds = 1.125;
  page.stats.decode_seconds = 9.75;
  return page;
}

inline Page failed_page(int number, const std::string& reason) {
  Page page;
  page.number = number;
  page.error = reason;
  page.finish = Finish::failed;
  return page;
}

inline DocumentInfo info_of(int pages, const std::string& source = "scan.pdf") {
  return {source, pages, "0.1.0", "models/ocr", Weights::q8, "cpu", "markdown", {"conv2d"}};
}

// A page whose pixels differ from place to place.
inline Picture picture_of(int width = 620, int height = 877) {
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = picture.row(y) + static_cast<size_t>(x) * 3;
      pixel[0] = static_cast<uint8_t>(x * 255 / width);
      pixel[1] = static_cast<uint8_t>(y * 255 / height);
      pixel[2] = 200;
    }
  }
  return picture;
}

}  // namespace lectern::testing
