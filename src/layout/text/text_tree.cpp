#include "layout/text/text_tree.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/text.h"
#include "layout/markup.h"
#include "layout/text/inline_text.h"

namespace lectern {
namespace {

constexpr size_t max_heading_marks = 6;

std::string_view line_at(std::string_view text, size_t at) {
  return text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

// Of "# A title": the marks and the spaces behind them; 0 where the line is no heading.
size_t heading_marks(std::string_view line) {
  const size_t marks = std::min(line.find_first_not_of('#'), line.size());
  const bool heading = marks > 0 && marks <= max_heading_marks && marks < line.size() && line[marks] == ' ';
  return heading && !is_blank(line.substr(marks)) ? marks : 0;
}

// Of "- an item": all before its text; 0 where the line is no item.
size_t item_prefix(std::string_view line, bool stars) {
  size_t at = indentation(line);
  const size_t digits = std::min(line.find_first_not_of("0123456789", at), line.size()) - at;
  if (digits > 0 && digits <= 3) {
    at += digits;
    if (at >= line.size() || (line[at] != '.' && line[at] != ')')) return 0;
  } else if (at >= line.size() || (line[at] != '-' && !(stars && line[at] == '*'))) {
    return 0;
  }
  ++at;
  const size_t text = std::min(line.find_first_not_of(" \t", at), line.size());
  return text > at && text < line.size() ? text : 0;
}

// The cells of a line between pipes; none where it has no pipe at its beginning.
std::vector<std::pair<size_t, size_t>> pipe_cells(std::string_view line) {
  std::vector<std::pair<size_t, size_t>> cells;
  size_t at = indentation(line);
  if (at >= line.size() || line[at] != '|') return cells;
  size_t end = line.size();
  while (end > at && is_space(line[end - 1])) --end;
  for (size_t begin = ++at; begin < end; begin = at) {
    while (at < end && line[at] != '|') at += line[at] == '\\' && at + 1 < end ? 2 : 1;
    at = std::min(at, end);
    size_t first = begin, last = at;
    while (first < last && is_space(line[first])) ++first;
    while (last > first && is_space(line[last - 1])) --last;
    cells.emplace_back(first, last);
    ++at;
  }
  return cells;
}

// |---|:-:|
bool is_pipe_rule(std::string_view line) {
  const auto cells = pipe_cells(line);
  return !cells.empty() && std::ranges::all_of(cells, [&](const auto& cell) {
    const std::string_view text = line.substr(cell.first, cell.second - cell.first);
    return text.find('-') != std::string_view::npos && text.find_first_not_of("-:") == std::string_view::npos;
  });
}

// The backticks of a line that begins or ends code; 0 for other lines.
size_t fence_of(std::string_view line) {
  const size_t at = indentation(line);
  const size_t length = std::min(line.find_first_not_of('`', at), line.size()) - at;
  return at <= 3 && length >= 3 && line.find('`', at + length) == std::string_view::npos ? length : 0;
}

// Where the code ends that begins with the fence at the start of `text`: the line of its end, none where it has none.
std::optional<size_t> fence_end(std::string_view text) {
  const size_t length = fence_of(line_at(text, 0));
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at)) {
    const std::string_view line = line_at(text, ++at);
    if (fence_of(line) >= length && is_blank(line.substr(std::min(line.find_last_of('`') + 1, line.size())))) return at;
  }
  return std::nullopt;
}

class TreeBuilder {
 public:
  explicit TreeBuilder(BlockKind kind) : kind_(kind) {}

  TextTree tree(std::string_view text) {
    bool closed = true;  // every fence so far has its end
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const std::string_view line = line_at(text, at);
      const auto end = closed && fence_of(line) > 0 ? fence_end(text.substr(at)) : std::nullopt;
      if (!end) {
        closed &= fence_of(line) == 0;
        at += line.size() + 1;
        continue;
      }
      add_html(text.substr(begin, at - begin));
      const size_t code = at + line.size() + 1;
      std::string_view body = text.substr(code, at + *end > code ? at + *end - code - 1 : 0);
      add_code(body, trimmed(line.substr(line.find_last_of('`') + 1)));
      begin = at = std::min(at + *end + line_at(text, at + *end).size(), text.size());
    }
    if (begin < text.size()) add_html(text.substr(begin));
    return std::move(tree_);
  }

  void add_code(std::string_view code, std::string_view language) {
    TextElement element;
    element.kind = TextElement::Kind::code;
    element.prefix = language;
    element.runs.push_back({TextRun::Kind::code, 0, std::string(code), {}});
    add(std::move(element), breaks_);
  }

 private:
  // What is open: lines that belong together.
  struct Open {
    TextElement::Kind kind = TextElement::Kind::paragraph;
    std::string prefix;
    int breaks = 0;
    size_t begin = 0, end = 0;
  };

  void add(TextElement element, int breaks) {
    element.line_breaks = tree_.empty() ? 0 : std::max(breaks, 1);
    tree_.push_back(std::move(element));
    breaks_ = 0;
  }

  void add_html(std::string_view text) {
    for (const HtmlPart& part : parse_html(text)) {
      if (part.table) {
        add_table(part);
      } else {
        add_lines(part.text);
      }
    }
  }

  void add_table(const HtmlPart& part) {
    TextElement element;
    element.kind = TextElement::Kind::table;
    for (const HtmlRow& row : part.rows) {
      TableRow& out = element.rows.emplace_back();
      out.section = row.section;
      for (const HtmlCell& cell : row.cells) {
        out.cells.push_back({parse_inline(cell.text), cell.row_span, cell.column_span, cell.heading});
      }
    }
    add(std::move(element), breaks_);
  }

  void close(const StyledText& text) {
    if (!open_) return;
    TextElement element;
    element.kind = open_->kind;
    element.prefix = open_->prefix;
    auto [begin, end] = std::pair(open_->begin, open_->end);
    while (end > begin && is_space(text.text[end - 1])) --end;
    while (tree_.empty() && begin < end && is_space(text.text[begin])) ++begin;
    element.runs = parse_inline(text.slice(begin, end));
    const int breaks = breaks_;
    add(std::move(element), open_->breaks);
    breaks_ = breaks;
    open_.reset();
  }

  void add_lines(const StyledText& given) {
    const std::string_view text = given.text;
    FormulaEnds formulas(text);
    const bool stars = takes_stars(text);
    const bool items = kind_ != BlockKind::title && kind_ != BlockKind::sub_title;
    for (size_t at = 0; at < text.size();) {
      const std::string_view line = line_at(text, at);
      size_t end = at + line.size();
      if (is_blank(line)) {
        close(given);
      } else if (const size_t marks = heading_marks(line); marks > 0) {
        close(given);
        TextElement heading;
        heading.kind = TextElement::Kind::heading;
        heading.level = static_cast<int>(marks);
        const size_t begin = at + std::min(line.find_first_not_of(' ', marks), line.size());
        heading.runs = parse_inline(given.slice(begin, end));
        add(std::move(heading), breaks_);
      } else if (is_pipe_table(text, at)) {
        close(given);
        end = add_pipe_table(given, at);
      } else {
        const size_t prefix = items ? item_prefix(line, stars) : 0;
        if (prefix > 0) close(given);
        end = end_of_formulas(text, at, end, formulas);
        if (!open_) {
          open_ = Open{prefix > 0 ? TextElement::Kind::item : TextElement::Kind::paragraph,
                       std::string(line.substr(0, prefix)), breaks_, at + prefix, end};
        }
        open_->end = end;
      }
      const bool line_break = end < text.size();
      breaks_ = is_blank(line) ? breaks_ + (line_break ? 1 : 0) : line_break ? 1 : 0;
      at = end + 1;
    }
    close(given);
  }

  // Lines that begin with "* " are a list where there are several, and not where they are footnotes.
  bool takes_stars(std::string_view text) const {
    if (kind_ == BlockKind::list) return true;
    if (kind_ == BlockKind::footnote || kind_ == BlockKind::caption) return false;
    size_t count = 0;
    for (size_t at = 0; at < text.size(); at += line_at(text, at).size() + 1) {
      count += text.substr(at).starts_with("* ") ? 1 : 0;
    }
    return count > 1;
  }

  // The end of the line in which the last formula ends that begins in this one.
  static size_t end_of_formulas(std::string_view text, size_t begin, size_t end, FormulaEnds& formulas) {
    for (size_t at = begin; at < end;) {
      at = text.substr(0, end).find_first_of("\\$", at);
      if (at == std::string_view::npos) break;
      if (const auto behind = formulas.find(at)) {
        at = *behind;
        if (at > end) end = std::min(text.find('\n', at), text.size());
      } else {
        at += text[at] == '\\' ? 2 : 1;
      }
    }
    return end;
  }

  static bool is_pipe_table(std::string_view text, size_t at) {
    const std::string_view line = line_at(text, at);
    const size_t next = at + line.size() + 1;
    if (next >= text.size() || pipe_cells(line).empty()) return false;
    return is_pipe_rule(line_at(text, next));
  }

  // Returns the end of its last line.
  size_t add_pipe_table(const StyledText& given, size_t at) {
    const std::string_view text = given.text;
    TextElement element;
    element.kind = TextElement::Kind::table;
    element.pipes = true;
    size_t end = at;
    for (int index = 0; at < text.size(); ++index, at = end + 1) {
      const std::string_view line = line_at(text, at);
      const auto cells = pipe_cells(line);
      if (cells.empty()) break;
      end = at + line.size();
      if (index == 1) continue;  // the rule
      TableRow& row = element.rows.emplace_back();
      for (const auto& [first, last] : cells) {
        StyledText cell;
        for (size_t i = at + first; i < at + last; ++i) {
          if (text.substr(i).starts_with("\\|")) ++i;
          cell.append(text.substr(i, 1), given.styles[i]);
        }
        row.cells.push_back({parse_inline(cell), 1, 1, index == 0});
      }
    }
    add(std::move(element), breaks_);
    return end;
  }

  const BlockKind kind_;
  TextTree tree_;
  std::optional<Open> open_;
  int breaks_ = 0;  // since the last element
};

}  // namespace

TextTree parse_text(const Block& block) {
  TreeBuilder builder(block.kind());
  const std::string text = valid_utf8(block.text);
  const size_t fence = fence_of(line_at(text, 0));
  if (block.kind() == BlockKind::code && fence == 0) {
    TextElement code;
    code.kind = TextElement::Kind::code;
    code.runs.push_back({TextRun::Kind::code, 0, text, {}});
    return text.empty() ? TextTree() : TextTree{std::move(code)};
  }
  return builder.tree(text);
}

bool is_empty(const TextRuns& runs) {
  return std::ranges::all_of(
      runs, [](const TextRun& run) { return run.kind != TextRun::Kind::picture && is_blank(run.text); });
}

bool is_empty(const std::vector<TableRow>& rows) {
  return std::ranges::all_of(rows, [](const TableRow& row) {
    return std::ranges::all_of(row.cells, [](const TableCell& cell) { return is_empty(cell.runs); });
  });
}

bool is_figure(const Block& block) {
  const BlockKind kind = block.kind();
  if (kind == BlockKind::image) return true;
  if (kind != BlockKind::table) return false;
  return std::ranges::all_of(
      parse_text(block), [](const TextElement& element) { return is_empty(element.runs) && is_empty(element.rows); });
}

}  // namespace lectern
