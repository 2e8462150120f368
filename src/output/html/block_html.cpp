#include "output/html/block_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "layout/block_text.h"
#include "layout/html_table.h"
#include "layout/labels.h"
#include "layout/markup.h"

namespace lectern {
namespace {

// Escaped, with what stands between two ** in bold.
std::string inline_html(std::string_view text) {
  std::string out;
  for (size_t at = text.find("**"); at != std::string_view::npos; at = text.find("**")) {
    const size_t end = text.find("**", at + 2);
    if (end == std::string_view::npos) break;
    out +=
        escape_markup(text.substr(0, at)) + "<strong>" + escape_markup(text.substr(at + 2, end - at - 2)) + "</strong>";
    text.remove_prefix(end + 2);
  }
  return out + escape_markup(text);
}

// Lines up to an empty one are a paragraph; a line with marks of a heading is one.
std::string paragraphs_html(std::string_view text) {
  std::string out, paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) out += "<p>" + paragraph + "</p>";
    paragraph.clear();
  };
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    start = end + 1;
    const size_t marks = std::min(line.find_first_not_of('#'), line.size());
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      end_paragraph();
    } else if (marks > 0 && marks <= 6 && marks < line.size() && line[marks] == ' ') {
      end_paragraph();
      const size_t level = std::min<size_t>(marks + 2, 6);  // the document and its pages have the first two
      out += fmt::format("<h{0}>{1}</h{0}>", level, inline_html(line.substr(marks + 1)));
    } else {
      paragraph += (paragraph.empty() ? "" : "<br>") + inline_html(line);
    }
  }
  end_paragraph();
  return out;
}

}  // namespace

std::string block_html(const Block& block) {
  if (block.text.empty()) return "";
  const LabelKind kind = kind_of(block.label);
  if (kind == LabelKind::code) return "<pre>" + escape_markup(block.text) + "</pre>";
  if (kind == LabelKind::equation) return "<pre class=\"formula\">" + escape_markup(block.text) + "</pre>";
  std::string out;
  for (const TextSegment& segment : split_at_tables(block.text)) {
    if (segment.table) {
      out += "<div class=\"scroll\">" + safe_table(table_rows(segment.text)) + "</div>";
    } else {
      out += paragraphs_html(decode_entities(without_text_tags(segment.text)));
    }
  }
  return out;
}

}  // namespace lectern
