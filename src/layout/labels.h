// What the model's labels mean to those who write documents. Labels are the model's own words: one that is not known
// here is a piece of text.
#pragma once

#include <string_view>

namespace lectern {

enum class LabelKind { text, title, sub_title, table, image, equation, code, caption, header, footer, page_number };

inline LabelKind kind_of(std::string_view label) {
  if (label == "title") return LabelKind::title;
  if (label == "sub_title") return LabelKind::sub_title;
  if (label == "table") return LabelKind::table;
  if (label == "image" || label == "figure") return LabelKind::image;
  if (label == "equation" || label == "formula") return LabelKind::equation;
  if (label == "code") return LabelKind::code;
  if (label == "image_caption" || label == "figure_title" || label == "table_caption") return LabelKind::caption;
  if (label == "header") return LabelKind::header;
  if (label == "footer") return LabelKind::footer;
  if (label == "page_number") return LabelKind::page_number;
  return LabelKind::text;
}

// Whether it names a kind of block, rather than being the text that was read or looked for.
inline bool is_layout_label(std::string_view label) {
  return kind_of(label) != LabelKind::text || label.empty() || label == "text" || label == "list" ||
         label == "table_footnote" || label == "aside_text" || label == "reference";
}

}  // namespace lectern
