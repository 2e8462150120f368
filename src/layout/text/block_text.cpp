#include "layout/text/block_text.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"

namespace lectern {
namespace {

constexpr auto scripts = static_cast<uint8_t>(style_superscript | style_subscript);

std::string plain(const TextRun& run) {
  switch (run.kind) {
    case TextRun::Kind::text:
    case TextRun::Kind::formula: break;
    case TextRun::Kind::code: return "`" + run.text + "`";
    case TextRun::Kind::link: return "[" + run.text + "](" + run.target + ")";
    case TextRun::Kind::picture: return "![" + run.text + "](" + run.target + ")";
  }
  return run.text;
}

// "^2", and "^(a b)" where it would be taken for shorter than it is.
void append_script(std::string_view text, uint8_t style, std::string& out) {
  if (is_blank(text)) {
    out += text;
    return;
  }
  const std::string_view inner = trimmed(text);
  const bool several = std::ranges::any_of(inner, is_space);
  out.append(text.substr(0, text.find(inner)));
  out += (style & style_superscript) != 0 ? '^' : '_';
  out.append(several ? "(" : "").append(inner).append(several ? ")" : "");
  out.append(text.substr(text.find(inner) + inner.size()));
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::string plain_text(const TextRuns& runs) {
  std::string out, script;
  uint8_t style = 0;
  bool starred = false;
  const auto end_script = [&] {
    if (!script.empty()) append_script(script, style, out);
    script.clear();
  };
  for (const TextRun& run : runs) {
    const auto next = static_cast<uint8_t>(run.style & scripts);
    if (next != style) end_script();
    style = next;
    if (((run.style & style_starred) != 0) != starred) {
      (style != 0 ? script : out) += '*';
      starred = !starred;
    }
    (style != 0 ? script : out) += plain(run);
  }
  end_script();
  return starred ? out + "*" : out;
}

std::vector<std::vector<size_t>> cell_columns(const std::vector<TableRow>& rows) {
  std::vector<std::vector<size_t>> columns;
  std::vector<int> covered;  // by column: rows, from this one on, into which a cell above reaches
  for (const TableRow& row : rows) {
    std::vector<size_t>& begins = columns.emplace_back();
    std::vector<int> below = covered;
    for (int& count : below) count = std::max(0, count - 1);
    size_t column = 0;
    for (const TableCell& cell : row.cells) {
      while (column < covered.size() && covered[column] > 0) ++column;
      begins.push_back(column);
      const size_t end = column + static_cast<size_t>(cell.column_span);
      if (end > max_aligned_columns) {
        ++column;
        continue;
      }
      if (below.size() < end) below.resize(end);
      for (; column < end; ++column) below[column] = cell.row_span - 1;
    }
    covered = std::move(below);
  }
  return columns;
}

std::string plain_text(const std::vector<TableRow>& rows, std::string_view separator) {
  const auto columns = cell_columns(rows);
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (r > 0) out += '\n';
    size_t written = 0;
    for (size_t c = 0; c < rows[r].cells.size(); ++c) {
      for (; written < columns[r][c]; ++written) out += separator;
      out += one_line(plain_text(rows[r].cells[c].runs));
    }
  }
  return out;
}

std::string plain_text(const Block& block) { return plain_text(parse_text(block)); }

std::string plain_text(const TextTree& tree) {
  std::string out;
  for (const TextElement& element : tree) {
    out.append(static_cast<size_t>(element.line_breaks), '\n');
    switch (element.kind) {
      case TextElement::Kind::table: out += plain_text(element.rows, "\t"); break;
      case TextElement::Kind::code: out += element.runs.front().text; break;
      case TextElement::Kind::paragraph:
      case TextElement::Kind::heading:
      case TextElement::Kind::item: out += element.prefix + plain_text(element.runs); break;
    }
  }
  return out;
}

}  // namespace lectern
