#include "output/html/block_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "layout/markup.h"

namespace lectern {
namespace {

// Escaped for text; line breaks as elements.
std::string text_html(std::string_view text, bool attributes) {
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (at > 0) out += "<br>";
    out += attributes ? escape_markup(text.substr(at, end - at)) : escape_text(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string run_html(const TextRun& run, const InlineHtml& options) {
  const bool quotes = options.elements;
  switch (run.kind) {
    case TextRun::Kind::text: return text_html(run.text, quotes);
    case TextRun::Kind::code: return "<code>" + text_html(run.text, quotes) + "</code>";
    case TextRun::Kind::formula: {
      const std::string formula = options.dollars ? with_dollars(run.text) : run.text;
      if (!options.elements) return escape_text(formula);
      return "<span class=\"formula\">" + escape_markup(formula) + "</span>";
    }
    case TextRun::Kind::link:
      if (!options.elements) return text_html("[" + run.text + "](" + run.target + ")", false);
      return fmt::format("<a href=\"{}\" rel=\"noopener noreferrer\">{}</a>", escape_markup(run.target),
                         text_html(run.text, true));
    case TextRun::Kind::picture:
      if (!options.elements) return text_html("![" + run.text + "](" + run.target + ")", false);
      return "<span class=\"figure\">" + escape_markup(run.text.empty() ? run.target : run.text) + "</span>";
  }
  return {};
}

// The tags that open a style, from the outermost.
constexpr struct {
  uint8_t style;
  std::string_view tag;
} style_tags[] = {{style_strong, "strong"},
                  {style_italic | style_starred, "em"},
                  {style_superscript, "sup"},
                  {style_subscript, "sub"}};

std::string list_html(const TextTree& tree, size_t& at) {
  std::string out;
  const bool numbers = is_digit(trimmed(tree[at].prefix).front());
  out += numbers ? "<ul class=\"numbers\">" : "<ul>";
  for (; at < tree.size() && tree[at].kind == TextElement::Kind::item; ++at) {
    const std::string_view prefix = tree[at].prefix;
    if (is_digit(trimmed(prefix).front()) != numbers) break;
    const size_t depth = std::min<size_t>(prefix.find_first_not_of(" \t") / 2, 4);
    out += depth > 0 ? fmt::format("<li class=\"level-{}\">", depth) : "<li>";
    if (numbers) out += escape_markup(trimmed(prefix)) + " ";
    out += inline_html(tree[at].runs) + "</li>";
  }
  return out + "</ul>";
}

}  // namespace

std::string with_dollars(std::string_view formula) {
  const bool round = formula.starts_with("\\(") && formula.ends_with("\\)") && formula.size() >= 4;
  const bool square = formula.starts_with("\\[") && formula.ends_with("\\]") && formula.size() >= 4;
  if (!round && !square) return std::string(formula);
  const std::string marks = round ? "$" : "$$";
  return marks + std::string(trimmed(formula.substr(2, formula.size() - 4))) + marks;
}

std::string inline_html(const TextRuns& runs, const InlineHtml& options) {
  std::string out;
  uint8_t open = 0;
  const auto change_to = [&](uint8_t style) {
    // Tags close in the opposite order: from the outermost that differs on, all close and open again.
    size_t same = 0;
    while (same < std::size(style_tags) &&
           ((open & style_tags[same].style) != 0) == ((style & style_tags[same].style) != 0)) {
      ++same;
    }
    for (size_t i = std::size(style_tags); i-- > same;) {
      if ((open & style_tags[i].style) != 0) out += fmt::format("</{}>", style_tags[i].tag);
    }
    for (size_t i = same; i < std::size(style_tags); ++i) {
      if ((style & style_tags[i].style) != 0) out += fmt::format("<{}>", style_tags[i].tag);
    }
    open = style;
  };
  for (const TextRun& run : runs) {
    change_to(run.style);
    out += run_html(run, options);
  }
  change_to(0);
  return out;
}

std::string table_html(const std::vector<TableRow>& rows, const InlineHtml& options) {
  constexpr std::string_view sections[] = {"", "thead", "tbody", "tfoot"};
  std::string out = "<table>";
  TableSection section = TableSection::none;
  const auto change_to = [&](TableSection next) {
    if (next == section) return;
    if (section != TableSection::none) out += fmt::format("</{}>", sections[static_cast<size_t>(section)]);
    if (next != TableSection::none) out += fmt::format("<{}>", sections[static_cast<size_t>(next)]);
    section = next;
  };
  for (const TableRow& row : rows) {
    change_to(row.section);
    out += "<tr>";
    for (const TableCell& cell : row.cells) {
      const std::string_view name = cell.heading ? "th" : "td";
      out += fmt::format("<{}", name);
      if (cell.row_span > 1) out += fmt::format(" rowspan=\"{}\"", cell.row_span);
      if (cell.column_span > 1) out += fmt::format(" colspan=\"{}\"", cell.column_span);
      out += fmt::format(">{}</{}>", inline_html(cell.runs, options), name);
    }
    out += "</tr>";
  }
  change_to(TableSection::none);
  return out + "</table>";
}

std::string block_html(const Block& block) {
  const bool formula = block.kind() == BlockKind::equation;
  std::string out;
  const TextTree tree = parse_text(block);
  for (size_t i = 0; i < tree.size();) {
    const TextElement& element = tree[i];
    switch (element.kind) {
      case TextElement::Kind::paragraph:
        out += (formula ? "<p class=\"formula\">" : "<p>") + inline_html(element.runs) + "</p>";
        break;
      case TextElement::Kind::heading:
        // The document and its pages have the first two levels.
        out += fmt::format("<h{0}>{1}</h{0}>", std::min(element.level + 2, 6), inline_html(element.runs));
        break;
      case TextElement::Kind::table: out += "<div class=\"scroll\">" + table_html(element.rows) + "</div>"; break;
      case TextElement::Kind::code: out += "<pre>" + escape_markup(element.runs.front().text) + "</pre>"; break;
      case TextElement::Kind::item: out += list_html(tree, i); continue;
    }
    ++i;
  }
  return out;
}

}  // namespace lectern
