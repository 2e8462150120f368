#include "layout/html_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

#include "layout/markup.h"

namespace lectern {
namespace {

constexpr int largest_span = 1000;
constexpr size_t widest_aligned = 100;  // columns of plain text; beyond, spans count as one
constexpr size_t deepest_nesting = 64;  // of tags that are mended; deeper ones stay as they are

struct Tag {
  std::string name;  // lower case
  bool closing = false;
  std::string_view attributes;
  size_t begin = 0, end = 0;  // in the text, `end` behind '>'
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// The first tag from `at` on. One that another '<' or the end of the text cuts off has end == its last byte + 1 and
// no '>' there.
std::optional<Tag> next_tag(std::string_view html, size_t at) {
  for (at = html.find('<', at); at != std::string_view::npos; at = html.find('<', at + 1)) {
    Tag tag;
    tag.begin = at;
    size_t i = at + 1;
    if (i < html.size() && html[i] == '/') {
      tag.closing = true;
      ++i;
    }
    if (i >= html.size() || !is_letter(html[i])) continue;
    for (; i < html.size() && (is_letter(html[i]) || std::isdigit(static_cast<unsigned char>(html[i])) != 0); ++i) {
      if (tag.name.size() < 16) tag.name += lower(html[i]);
    }
    const size_t attributes = i;
    while (i < html.size() && html[i] != '>' && html[i] != '<') ++i;
    tag.attributes = html.substr(attributes, i - attributes);
    tag.end = i < html.size() && html[i] == '>' ? i + 1 : i;
    return tag;
  }
  return std::nullopt;
}

bool is_whole(const Tag& tag, std::string_view html) { return html[tag.end - 1] == '>'; }

// The beginning of a table's tag that the end of the text cuts off.
bool is_cut_off(const Tag& tag, std::string_view html) {
  if (tag.end < html.size() || is_whole(tag, html)) return false;
  constexpr std::array<std::string_view, 7> names = {"table", "thead", "tbody", "tfoot", "tr", "td", "th"};
  return std::ranges::any_of(names, [&](std::string_view name) { return name.starts_with(tag.name); });
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// The text of a span attribute that stands alone, as in rowspan="2".
int span_of(std::string_view attributes, std::string_view name) {
  for (size_t at = 0; at + name.size() <= attributes.size(); ++at) {
    const bool here = std::equal(name.begin(), name.end(), attributes.begin() + static_cast<std::ptrdiff_t>(at),
                                 [](char a, char b) { return a == lower(b); });
    if (!here || (at > 0 && is_letter(attributes[at - 1]))) continue;
    const size_t digits = attributes.find_first_not_of(" =\"'\t\n", at + name.size());
    int value = 1;
    if (digits == std::string_view::npos) return 1;
    std::from_chars(attributes.data() + digits, attributes.data() + attributes.size(), value);
    return std::clamp(value, 1, largest_span);
  }
  return 1;
}

}  // namespace

std::vector<TextSegment> split_at_tables(std::string_view text) {
  std::vector<TextSegment> segments;
  size_t start = 0, depth = 0;
  const auto add = [&](bool table, size_t end) {
    if (end > start) segments.push_back({table, text.substr(start, end - start)});
    start = end;
  };
  for (auto tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    if (tag->name != "table") continue;
    if (!tag->closing) {
      if (depth++ == 0) add(false, tag->begin);
    } else if (depth > 0 && --depth == 0) {
      add(true, tag->end);
    }
  }
  add(depth > 0, text.size());
  return segments;
}

std::vector<TableRow> table_rows(std::string_view html) {
  std::vector<TableRow> rows;
  size_t depth = 0, text = 0;
  bool row_open = false, cell_open = false;
  const auto open_cell = [&](TableCell cell) {
    if (!row_open) rows.emplace_back();
    rows.back().push_back(std::move(cell));
    row_open = cell_open = true;
  };
  const auto take_text = [&](size_t end) {
    const std::string_view piece = html.substr(text, end - text);
    if (!cell_open && !cell_text(piece, " ").empty()) open_cell({});
    if (cell_open) rows.back().back().html += piece;
    text = end;
  };
  for (auto tag = next_tag(html, 0); tag; tag = next_tag(html, tag->end)) {
    if (is_cut_off(*tag, html)) {
      take_text(tag->begin);
      return rows;
    }
    if (tag->name == "table") {
      if (depth > 0 && (!tag->closing || depth > 1)) {
        depth += tag->closing ? -1 : 1;  // a table within a cell
        continue;
      }
      take_text(tag->begin);
      text = tag->end;
      depth = tag->closing ? 0 : 1;
      row_open = cell_open = false;
      continue;
    }
    if (depth > 1 || !one_of(tag->name, {"tr", "td", "th", "thead", "tbody", "tfoot"})) continue;
    take_text(tag->begin);
    text = tag->end;
    cell_open = false;
    if (one_of(tag->name, {"td", "th"})) {
      if (!tag->closing) {
        open_cell({"", span_of(tag->attributes, "rowspan"), span_of(tag->attributes, "colspan"), tag->name == "th"});
      }
    } else {
      row_open = tag->name == "tr" && !tag->closing;
      if (row_open) rows.emplace_back();
    }
  }
  take_text(html.size());
  return rows;
}

std::string mended_table(std::string_view html) {
  // Where tags are closed out of order, their order is mended by closing what is open within them.
  const auto level = [](std::string_view name) {
    return name == "table" ? 0 : one_of(name, {"thead", "tbody", "tfoot"}) ? 1 : name == "tr" ? 2 : 3;
  };
  std::string out;
  std::vector<std::string> open;
  size_t copied = 0;
  const auto close_to = [&](size_t count) {
    for (; open.size() > count; open.pop_back()) out += "</" + open.back() + ">";
  };
  for (auto tag = next_tag(html, 0); tag; tag = next_tag(html, tag->end)) {
    const bool ours = one_of(tag->name, {"table", "thead", "tbody", "tfoot", "tr", "td", "th"});
    if (is_cut_off(*tag, html)) {
      out += html.substr(copied, tag->begin - copied);
      copied = html.size();
      break;
    }
    if (!ours || !is_whole(*tag, html) || open.size() >= deepest_nesting) continue;
    out += html.substr(copied, tag->begin - copied);
    copied = tag->end;
    const std::string_view written = html.substr(tag->begin, tag->end - tag->begin);
    if (tag->closing) {
      const auto found = std::find(open.rbegin(), open.rend(), tag->name);
      if (found == open.rend()) continue;  // nothing that it could close
      close_to(static_cast<size_t>(open.rend() - found));
      open.pop_back();
      out += written;
      continue;
    }
    if (tag->name != "table") {
      // What is open and cannot hold the new tag ends before it; a table within a cell is a new beginning.
      while (!open.empty() && open.back() != "table" && level(open.back()) >= level(tag->name))
        close_to(open.size() - 1);
    }
    open.push_back(tag->name);
    out += written;
  }
  out += html.substr(copied);
  // A '<' or a '</' that the end of the text leaves behind.
  if (!open.empty()) {
    while (out.ends_with('<') || out.ends_with("</")) out.pop_back();
  }
  close_to(0);
  return out;
}

bool has_spans(const std::vector<TableRow>& rows) {
  return std::ranges::any_of(rows, [](const TableRow& row) {
    return std::ranges::any_of(row, [](const TableCell& cell) { return cell.row_span > 1 || cell.column_span > 1; });
  });
}

std::string cell_text(std::string_view html, std::string_view line_break) {
  std::string out;
  bool gap = false;  // white space to be written before the next text
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
        gap = true;
        continue;
      }
      if (gap && !out.empty() && !out.ends_with(line_break)) out += ' ';
      gap = false;
      out += c;
    }
  };
  size_t text = 0;
  for (auto tag = next_tag(html, 0); tag; tag = next_tag(html, tag->end)) {
    if (!is_whole(*tag, html)) continue;  // not a tag but text
    add(decode_entities(html.substr(text, tag->begin - text)));
    text = tag->end;
    if (tag->name == "br") {
      if (!out.empty()) out += line_break;
      gap = false;
    } else if (one_of(tag->name, {"td", "th", "tr", "table", "p", "div", "li", "ul", "ol"})) {
      gap = true;
    }
  }
  add(decode_entities(html.substr(text)));
  while (!line_break.empty() && out.ends_with(line_break)) out.resize(out.size() - line_break.size());
  return out;
}

std::string pipe_table(const std::vector<TableRow>& rows) {
  size_t columns = 1;
  for (const TableRow& row : rows) columns = std::max(columns, row.size());
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    out += '|';
    for (size_t c = 0; c < (r == 0 ? columns : rows[r].size()); ++c) {
      out += ' ';
      // Tags within a cell other than line breaks go; a mark that would end the cell is escaped.
      for (const char ch : c < rows[r].size() ? cell_text(rows[r][c].html, "\x01") : "") {
        if (ch == '|') out += '\\';
        if (ch == '\x01') {
          out += "<br>";
        } else {
          out += ch;
        }
      }
      out += " |";
    }
    out += '\n';
    if (r > 0) continue;
    out += '|';
    for (size_t c = 0; c < columns; ++c) out += " --- |";
    out += '\n';
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string safe_table(const std::vector<TableRow>& rows) {
  std::string out = "<table>";
  for (const TableRow& row : rows) {
    out += "<tr>";
    for (const TableCell& cell : row) {
      const std::string_view name = cell.heading ? "th" : "td";
      out += fmt::format("<{}", name);
      if (cell.row_span > 1) out += fmt::format(" rowspan=\"{}\"", cell.row_span);
      if (cell.column_span > 1) out += fmt::format(" colspan=\"{}\"", cell.column_span);
      out += '>';
      const std::string text = cell_text(cell.html, "\n");
      std::string_view rest = text;
      for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        out += escape_markup(rest.substr(0, end)) + "<br>";
        rest.remove_prefix(end + 1);
      }
      out += fmt::format("{}</{}>", escape_markup(rest), name);
    }
    out += "</tr>\n";
  }
  return out + "</table>";
}

std::string table_text(const std::vector<TableRow>& rows, std::string_view separator) {
  std::string out;
  std::vector<int> covered;  // by column: rows, from this one on, into which a cell above reaches
  for (const TableRow& row : rows) {
    if (!out.empty()) out += '\n';
    std::vector<int> below = covered;
    for (int& count : below) count = std::max(0, count - 1);
    size_t column = 0, written = 0;
    for (const TableCell& cell : row) {
      while (column < covered.size() && covered[column] > 0) ++column;
      for (; written < column; ++written) out += separator;
      out += cell_text(cell.html, " ");
      const size_t end = column + static_cast<size_t>(cell.column_span);
      if (end > widest_aligned) {
        ++column;
        continue;
      }
      if (below.size() < end) below.resize(end);
      for (; column < end; ++column) below[column] = cell.row_span - 1;
    }
    covered = std::move(below);
  }
  return out;
}

}  // namespace lectern
