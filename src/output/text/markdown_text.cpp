#include "output/text/markdown_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <vector>

#include "core/text.h"
#include "output/html/block_html.h"

namespace lectern {
namespace {

constexpr size_t max_label = 1000;  // bytes within brackets that may be a link

bool is_mark(char c) { return std::ispunct(static_cast<unsigned char>(c)) != 0; }

// Text that is made of literal characters and of marks; what would be taken for a mark is escaped at the end.
class MarkdownLine {
 public:
  explicit MarkdownLine(bool formulas) : formulas_(formulas) {}

  void literal(std::string_view text) {
    text_ += text;
    literal_.resize(text_.size(), true);
  }
  void marks(std::string_view text) {
    text_ += text;
    literal_.resize(text_.size(), false);
  }
  const std::string& text() const { return text_; }

  // `paragraph`: lines begin where a list or a heading could.
  std::string escaped(bool paragraph) const {
    std::vector<bool> escape(text_.size());
    for (const char c : {'*', '_'}) escape_emphasis(c, escape);
    escape_pairs('`', 1, escape);
    escape_pairs('~', 2, escape);
    for (size_t i = 0; i < text_.size(); ++i) {
      if (literal_[i] && !escape[i]) escape[i] = takes_escape(i);
    }
    if (paragraph) {
      for (size_t at = 0; at < text_.size(); at = std::min(text_.find('\n', at), text_.size() - 1) + 1) {
        if (const size_t i = line_mark(at); i < text_.size() && literal_[i]) escape[i] = true;
      }
    }
    std::string out;
    for (size_t i = 0; i < text_.size(); ++i) {
      if (escape[i]) out += '\\';
      out += text_[i];
    }
    return out;
  }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\n'; }

  // Runs of a mark that CommonMark could pair are escaped where two of them are a pair.
  void escape_emphasis(char mark, std::vector<bool>& escape) const {
    bool opened = false, paired = false;
    std::vector<size_t> found;
    for (size_t begin = text_.find(mark); begin != std::string::npos;) {
      const size_t end = std::min(text_.find_first_not_of(mark, begin), text_.size());
      const char before = begin == 0 ? '\n' : text_[begin - 1], behind = at(end);
      const bool left = !is_space(behind) && (!is_mark(behind) || is_space(before) || is_mark(before));
      const bool right = !is_space(before) && (!is_mark(before) || is_space(behind) || is_mark(behind));
      const bool opens = left && (mark == '*' || !right || is_mark(before));
      const bool closes = right && (mark == '*' || !left || is_mark(behind));
      paired |= opened && closes;
      opened |= opens;
      for (size_t i = begin; i < end && (opens || closes); ++i) {
        if (literal_[i]) found.push_back(i);
      }
      begin = text_.find(mark, end);
    }
    if (!paired) return;
    for (const size_t i : found) escape[i] = true;
  }

  void escape_pairs(char mark, size_t least, std::vector<bool>& escape) const {
    std::vector<size_t> found;
    size_t runs = 0;
    for (size_t begin = text_.find(mark); begin != std::string::npos;) {
      const size_t end = std::min(text_.find_first_not_of(mark, begin), text_.size());
      if (end - begin >= least) ++runs;
      for (size_t i = begin; i < end && end - begin >= least; ++i) {
        if (literal_[i]) found.push_back(i);
      }
      begin = text_.find(mark, end);
    }
    if (runs < 2) return;
    for (const size_t i : found) escape[i] = true;
  }

  bool takes_escape(size_t i) const {
    const char next = at(i + 1);
    switch (text_[i]) {
      case '<': return is_letter(next) || next == '/' || next == '!' || next == '?';
      case '&': {
        const std::string_view name = std::string_view(text_).substr(i + 1, 33);
        const size_t end = name.find_first_not_of("#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        return end != std::string_view::npos && end > 0 && name[end] == ';';
      }
      // A model that writes \% or \_ in running text means what TeX means by it.
      case '\\':
        return (is_mark(next) && std::string_view("$%&#_{}").find(next) == std::string_view::npos) || next == '\n';
      case '$': return formulas_ && is_digit(next) && (i == 0 || text_[i - 1] != '\\');
      case '[': {
        const std::string_view label = std::string_view(text_).substr(i + 1, max_label);
        const size_t end = label.find_first_of("[]\n");
        if (end == std::string_view::npos || label[end] != ']') return false;
        const bool line_start = i == 0 || text_[i - 1] == '\n';
        return at(i + end + 2) == '(' || (line_start && at(i + end + 2) == ':');
      }
      default: return false;
    }
  }

  // The place of what makes the line at `begin` something other than text; past the end where nothing does.
  size_t line_mark(size_t begin) const {
    const size_t none = text_.size();
    const std::string_view line = std::string_view(text_).substr(begin, text_.find('\n', begin) - begin);
    const size_t first = line.find_first_not_of(' ');
    if (first == std::string_view::npos || first > 3) return none;
    const std::string_view text = line.substr(first);
    const char mark = text.front();
    const auto behind = [&](size_t length) { return length >= text.size() || is_space(text[length]); };
    const size_t same = std::min(text.find_first_not_of(mark), text.size());
    const bool only = text.find_first_not_of(std::string{mark, ' '}) == std::string_view::npos;
    const bool underline = begin > 0 && same == trimmed(text).size() && (mark == '-' || mark == '=');
    const bool rule = only && std::ranges::count(text, mark) >= 3 && (mark == '-' || mark == '*' || mark == '_');
    const bool heading = mark == '#' && same <= 6 && behind(same);
    const bool item = (mark == '-' || mark == '+' || mark == '*') && behind(1);
    const bool fence = (mark == '`' || mark == '~') && same >= 3;
    return underline || rule || heading || item || fence || mark == '>' ? begin + first : none;
  }

  const bool formulas_;  // the block has some, so that a dollar before a digit could begin one
  std::string text_;
  std::vector<bool> literal_;  // of each byte
};

class BlockWriter {
 public:
  BlockWriter(const OutputOptions& options, bool formulas)
      : dollars_(options.formulas == OutputOptions::Formulas::dollar),
        pipes_(options.tables == OutputOptions::Tables::pipe),
        formulas_(formulas && dollars_) {}

  MarkdownBlock block(const TextTree& tree) {
    MarkdownBlock out;
    bool table = false;
    for (const TextElement& element : tree) {
      // What stands behind a table up to an empty line would be part of it.
      out.text.append(static_cast<size_t>(table ? std::max(element.line_breaks, 2) : element.line_breaks), '\n');
      table = false;
      switch (element.kind) {
        case TextElement::Kind::paragraph: out.text += line(element.runs, true); break;
        case TextElement::Kind::heading:
          out.text += std::string(static_cast<size_t>(element.level), '#') + " " + line(element.runs, false);
          break;
        case TextElement::Kind::item: out.text += element.prefix + line(element.runs, false); break;
        case TextElement::Kind::code: out.text += code(element); break;
        case TextElement::Kind::table:
          table = true;
          out.text += table_text(element, out.spanning_tables);
          break;
      }
    }
    return out;
  }

 private:
  std::string line(const TextRuns& runs, bool paragraph) const {
    MarkdownLine out(formulas_);
    add(runs, out);
    return out.escaped(paragraph);
  }

  void add(const TextRuns& runs, MarkdownLine& out) const {
    struct Tag {
      uint8_t style;
      std::string_view open, close;
    };
    static constexpr std::array<Tag, 5> tags = {{{style_strong, "**", "**"},
                                                 {style_starred, "*", "*"},
                                                 {style_italic, "<i>", "</i>"},
                                                 {style_superscript, "<sup>", "</sup>"},
                                                 {style_subscript, "<sub>", "</sub>"}}};
    uint8_t open = 0;
    const auto change_to = [&](uint8_t style) {
      size_t same = 0;
      while (same < tags.size() && ((open ^ style) & tags[same].style) == 0) ++same;
      for (size_t i = tags.size(); i-- > same;) {
        if ((open & tags[i].style) != 0) out.marks(tags[i].close);
      }
      for (size_t i = same; i < tags.size(); ++i) {
        if ((style & tags[i].style) != 0) out.marks(tags[i].open);
      }
      open = style;
    };
    for (const TextRun& run : runs) {
      change_to(run.style);
      switch (run.kind) {
        case TextRun::Kind::text:
          if ((run.style & style_break) != 0) {
            out.marks("<br>");
          } else {
            out.literal(run.text);
          }
          break;
        case TextRun::Kind::formula: out.marks(dollars_ ? with_dollars(run.text) : run.text); break;
        case TextRun::Kind::code: out.marks(code_span(run.text)); break;
        case TextRun::Kind::link:
        case TextRun::Kind::picture:
          out.marks(run.kind == TextRun::Kind::link ? "[" : "![");
          out.literal(run.text);
          out.marks("](" + run.target + ")");
          break;
      }
    }
    change_to(0);
  }

  static std::string code_span(const std::string& text) {
    std::string marks = "`";
    while (text.find(marks) != std::string::npos) marks += '`';
    const bool inner = text.starts_with('`') || text.ends_with('`');
    return marks + (inner ? " " + text + " " : text) + marks;
  }

  static std::string code(const TextElement& element) {
    const std::string& text = element.runs.front().text;
    std::string marks = "```";
    while (text.find(marks) != std::string::npos) marks += '`';
    return marks + element.prefix + "\n" + text + (text.ends_with('\n') || text.empty() ? "" : "\n") + marks;
  }

  std::string table_text(const TextElement& element, int& spanning) const {
    const bool spans = std::ranges::any_of(element.rows, [](const TableRow& row) {
      return std::ranges::any_of(row.cells, [](const TableCell& c) { return c.row_span > 1 || c.column_span > 1; });
    });
    if (pipes_ && spans) ++spanning;
    if ((pipes_ && !spans) || element.pipes) return pipe_table(element.rows);
    return table_html(element.rows, {dollars_, false});
  }

  std::string pipe_table(const std::vector<TableRow>& rows) const {
    size_t columns = 1;
    for (const TableRow& row : rows) columns = std::max(columns, row.cells.size());
    std::string out;
    for (size_t r = 0; r < rows.size(); ++r) {
      out += r > 0 ? "\n|" : "|";
      for (size_t c = 0; c < (r == 0 ? columns : rows[r].cells.size()); ++c) {
        out += ' ';
        // A mark that would end the cell is escaped.
        for (const char ch : c < rows[r].cells.size() ? line(rows[r].cells[c].runs, false) : "") {
          if (ch == '|') out += '\\';
          out += ch == '\n' ? "<br>" : std::string(1, ch);
        }
        out += " |";
      }
      if (r > 0) continue;
      out += "\n|";
      for (size_t c = 0; c < columns; ++c) out += " --- |";
    }
    return out;
  }

  const bool dollars_, pipes_, formulas_;
};

bool has_formulas(const TextRuns& runs) {
  return std::ranges::any_of(runs, [](const TextRun& run) { return run.kind == TextRun::Kind::formula; });
}

bool has_formulas(const TextTree& tree) {
  return std::ranges::any_of(tree, [](const TextElement& element) {
    return has_formulas(element.runs) || std::ranges::any_of(element.rows, [](const TableRow& row) {
             return std::ranges::any_of(row.cells, [](const TableCell& cell) { return has_formulas(cell.runs); });
           });
  });
}

}  // namespace

MarkdownBlock markdown_block(const Block& block, const OutputOptions& options) {
  const TextTree tree = parse_text(block);
  return BlockWriter(options, has_formulas(tree)).block(tree);
}

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_mark(c) && std::string_view("\\`*_{}[]<>&#|~").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string markdown_destination(std::string_view name) {
  return percent_encoded(name, [](char c) { return is_unreserved(c) || c == '/'; });
}

}  // namespace lectern
