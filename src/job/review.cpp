#include "job/review.h"

#include <fmt/format.h>

#include <algorithm>

#include "layout/markup.h"

namespace lectern {
namespace {

constexpr size_t shown_characters = 40;

// The beginning of untrusted text, on one line and without controls.
std::string beginning(const std::string& text) {
  std::string shown;
  size_t characters = 0;
  for (const char32_t c : characters_of(text)) {
    if (++characters > shown_characters) return shown + "...";
    shown += c < 0x20 || (c >= 0x7F && c < 0xA0) ? " " : utf8_of(c);
  }
  return shown;
}

bool lacks_text(const Page& page) {
  return std::ranges::any_of(page.warnings, [](const Warning& warning) {
    return warning.code == WarningCode::nothing_read || warning.code == WarningCode::little_read;
  });
}

}  // namespace

std::optional<InputReport::Review> review_of(const Page& page, double below) {
  if (!(below > 0) || page.blank || !page.error.empty()) return std::nullopt;
  InputReport::Review review;
  review.page = page.number;
  review.confidence = page.confidence;
  review.whole_page = lacks_text(page) || (page.confidence && *page.confidence < below);
  for (size_t i = 0; i < page.blocks.size(); ++i) {
    const Block& block = page.blocks[i];
    if (!block.confidence || !(*block.confidence < below)) continue;
    InputReport::Review::Block& found = review.blocks.emplace_back();
    found.number = i + 1;
    found.label = block.label;
    found.text = beginning(block.text);
    found.confidence = *block.confidence;
    if (!block.boxes.empty()) found.box = block.boxes.front();
  }
  if (!review.whole_page && review.blocks.empty()) return std::nullopt;
  return review;
}

std::vector<std::string> lines_of(const InputReport::Review& review) {
  std::vector<std::string> lines;
  if (review.whole_page) {
    lines.push_back(review.confidence ? fmt::format("to be looked at: confidence {:.2f}", *review.confidence)
                                      : "to be looked at: hardly anything was read");
  }
  for (const InputReport::Review::Block& block : review.blocks) {
    std::string place;
    if (block.box) {
      place = fmt::format(" at {:.0f}, {:.0f} .. {:.0f}, {:.0f}", block.box->left, block.box->top, block.box->right,
                          block.box->bottom);
    }
    lines.push_back(fmt::format("to be looked at: block {}{}{}, confidence {:.2f}: {}", block.number,
                                block.label.empty() ? "" : fmt::format(" ({})", beginning(block.label)), place,
                                block.confidence, block.text));
  }
  return lines;
}

}  // namespace lectern
