// Layout labels of the DeepSeek-OCR family and what they mean to those who write documents. Labels are the model's own
// words: one that is not known here is a piece of text.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace lectern {

enum class LabelKind {
  text,
  title,
  sub_title,
  list,
  table,
  image,
  equation,
  code,
  caption,
  footnote,
  header,
  footer,
  page_number
};

struct LayoutLabel {
  std::string_view name;
  LabelKind kind;
};

// DeepSeek-OCR and DeepSeek-OCR 2 write the first ones; Unlimited-OCR and models that were trained on other layout data
// use the others as well.
inline constexpr auto layout_labels = std::to_array<LayoutLabel>({
    {"title", LabelKind::title},
    {"sub_title", LabelKind::sub_title},
    {"text", LabelKind::text},
    {"list", LabelKind::list},
    {"table", LabelKind::table},
    {"table_caption", LabelKind::caption},
    {"table_footnote", LabelKind::footnote},
    {"image", LabelKind::image},
    {"image_caption", LabelKind::caption},
    {"image_footnote", LabelKind::footnote},
    {"figure", LabelKind::image},
    {"figure_title", LabelKind::caption},
    {"equation", LabelKind::equation},
    {"formula", LabelKind::equation},
    {"code", LabelKind::code},
    {"reference", LabelKind::text},
    {"aside_text", LabelKind::text},
    {"header", LabelKind::header},
    {"footer", LabelKind::footer},
    {"page_number", LabelKind::page_number},
    {"doc_title", LabelKind::title},
    {"paragraph_title", LabelKind::sub_title},
    {"section_title", LabelKind::sub_title},
    {"figure_caption", LabelKind::caption},
    {"table_title", LabelKind::caption},
    {"chart_title", LabelKind::caption},
    {"code_caption", LabelKind::caption},
    {"caption", LabelKind::caption},
    {"chart", LabelKind::image},
    {"picture", LabelKind::image},
    {"equation_block", LabelKind::equation},
    {"isolate_formula", LabelKind::equation},
    {"formula_number", LabelKind::text},
    {"algorithm", LabelKind::code},
    {"footnote", LabelKind::footnote},
    {"page_footnote", LabelKind::footnote},
    {"vision_footnote", LabelKind::footnote},
    {"abstract", LabelKind::text},
    {"content", LabelKind::text},
    {"paragraph", LabelKind::text},
    {"ref_text", LabelKind::text},
    {"reference_content", LabelKind::text},
    {"header_image", LabelKind::image},
    {"footer_image", LabelKind::image},
    {"page_header", LabelKind::header},
    {"page_footer", LabelKind::footer},
    {"number", LabelKind::page_number},
});

// Null for a label that is none of these.
inline const LayoutLabel* find_label(std::string_view name) {
  const auto* const found = std::ranges::find(layout_labels, name, &LayoutLabel::name);
  return found == layout_labels.end() ? nullptr : found;
}

inline LabelKind kind_of(std::string_view label) {
  const LayoutLabel* const found = find_label(label);
  return found == nullptr ? LabelKind::text : found->kind;
}

// Whether it names a kind of block, rather than being the text that was read or looked for.
inline bool is_layout_label(std::string_view label) { return label.empty() || find_label(label) != nullptr; }

}  // namespace lectern
