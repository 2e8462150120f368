// Layout labels of the DeepSeek-OCR family and the kinds of blocks that they stand for. Labels are free words of the
// model: an unknown label stands for text.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "lectern/enums.h"

namespace lectern {

struct LayoutLabel {
  std::string_view name;
  BlockKind kind;
};

// DeepSeek-OCR and DeepSeek-OCR 2 write the first ones; Unlimited-OCR and models that were trained on other layout data
// use the others as well.
inline constexpr auto layout_labels = std::to_array<LayoutLabel>({
    {"title", BlockKind::title},
    {"sub_title", BlockKind::sub_title},
    {"text", BlockKind::text},
    {"list", BlockKind::list},
    {"table", BlockKind::table},
    {"table_caption", BlockKind::caption},
    {"table_footnote", BlockKind::footnote},
    {"image", BlockKind::image},
    {"image_caption", BlockKind::caption},
    {"image_footnote", BlockKind::footnote},
    {"figure", BlockKind::image},
    {"figure_title", BlockKind::caption},
    {"equation", BlockKind::equation},
    {"formula", BlockKind::equation},
    {"code", BlockKind::code},
    {"reference", BlockKind::text},
    {"aside_text", BlockKind::text},
    {"header", BlockKind::header},
    {"footer", BlockKind::footer},
    {"page_number", BlockKind::page_number},
    {"doc_title", BlockKind::title},
    {"paragraph_title", BlockKind::sub_title},
    {"section_title", BlockKind::sub_title},
    {"figure_caption", BlockKind::caption},
    {"table_title", BlockKind::caption},
    {"chart_title", BlockKind::caption},
    {"code_caption", BlockKind::caption},
    {"caption", BlockKind::caption},
    {"chart", BlockKind::image},
    {"picture", BlockKind::image},
    {"equation_block", BlockKind::equation},
    {"isolate_formula", BlockKind::equation},
    {"formula_number", BlockKind::text},
    {"algorithm", BlockKind::code},
    {"footnote", BlockKind::footnote},
    {"page_footnote", BlockKind::footnote},
    {"vision_footnote", BlockKind::footnote},
    {"abstract", BlockKind::text},
    {"content", BlockKind::text},
    {"paragraph", BlockKind::text},
    {"ref_text", BlockKind::text},
    {"reference_content", BlockKind::text},
    {"header_image", BlockKind::image},
    {"footer_image", BlockKind::image},
    {"page_header", BlockKind::header},
    {"page_footer", BlockKind::footer},
    {"number", BlockKind::page_number},
});

// Null for an unknown label.
inline const LayoutLabel* find_label(std::string_view name) {
  const auto* const found = std::ranges::find(layout_labels, name, &LayoutLabel::name);
  return found == layout_labels.end() ? nullptr : found;
}

inline BlockKind kind_of(std::string_view label) {
  const LayoutLabel* const found = find_label(label);
  return found == nullptr ? BlockKind::text : found->kind;
}

// Whether it names a kind of block, rather than being the text that was read or looked for.
inline bool is_layout_label(std::string_view label) { return label.empty() || find_label(label) != nullptr; }

}  // namespace lectern
