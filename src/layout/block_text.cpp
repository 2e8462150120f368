#include "layout/block_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "layout/html_table.h"
#include "layout/labels.h"
#include "layout/markup.h"

namespace lectern {
namespace {

constexpr size_t most_heading_marks = 6;

// What may stand in the model's text outside of tables, and what it becomes.
struct TextTag {
  std::string_view tag, text;
};
constexpr std::array<TextTag, 12> text_tags = {{{"<center>", ""},
                                                {"</center>", ""},
                                                {"<br>", "\n"},
                                                {"<br/>", "\n"},
                                                {"<b>", ""},
                                                {"</b>", ""},
                                                {"<i>", ""},
                                                {"</i>", ""},
                                                {"<sup>", ""},
                                                {"</sup>", ""},
                                                {"<sub>", ""},
                                                {"</sub>", ""}}};

void append_plain(std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    const bool line_start = out.empty() || out.back() == '\n';
    const std::string_view rest = text.substr(at);
    if (line_start && rest.front() == '#') {
      const size_t marks = std::min(rest.find_first_not_of('#'), rest.size());
      if (marks <= most_heading_marks && marks < rest.size() && rest[marks] == ' ') {
        at += marks + 1;
        continue;
      }
    }
    if (rest.starts_with("**")) {
      at += 2;
    } else {
      out += text[at++];
    }
  }
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Where the formula that begins at `at` closes, before the next empty line.
class FormulaEnds {
 public:
  explicit FormulaEnds(std::string_view text) : text_(text) {}

  std::optional<size_t> find(size_t at, char closing) {
    size_t& searched = searched_[closing == ')' ? 0 : 1];
    if (at < searched) return std::nullopt;  // an earlier search has been here
    for (size_t i = at; i + 1 < text_.size(); ++i) {
      if (text_[i] == '\n' && text_[i + 1] == '\n') {
        searched = i;
        return std::nullopt;
      }
      if (text_[i] != '\\') continue;
      if (text_[i + 1] == closing) return i;
      ++i;
    }
    searched = text_.size();
    return std::nullopt;
  }

 private:
  std::string_view text_;
  size_t searched_[2] = {0, 0};
};

}  // namespace

std::string plain_text(const Block& block) {
  if (kind_of(block.label) == LabelKind::code) return block.text;
  std::string out;
  for (const TextSegment& segment : split_at_tables(block.text)) {
    if (segment.table) {
      if (!out.empty() && out.back() != '\n') out += '\n';
      out += table_text(table_rows(segment.text), "\t") + "\n";
    } else {
      append_plain(decode_entities(without_text_tags(segment.text)), out);
    }
  }
  return std::string(trimmed(out));
}

std::string without_text_tags(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto* const tag = std::ranges::find_if(text_tags, [&](const TextTag& t) { return text.starts_with(t.tag); });
    if (tag != text_tags.end()) {
      out += tag->text;
      text.remove_prefix(tag->tag.size());
    } else {
      const size_t plain = std::min(text.find('<', 1), text.size());
      out += text.substr(0, plain);
      text.remove_prefix(plain);
    }
  }
  return out;
}

std::string with_dollar_formulas(std::string_view text) {
  FormulaEnds ends(text);
  std::string out;
  bool any = false;
  std::vector<size_t> dollars;  // in `out`, before a digit
  for (size_t at = 0; at < text.size();) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] == '\\' && (next == '(' || next == '[')) {
      if (const auto end = ends.find(at + 2, next == '(' ? ')' : ']')) {
        const std::string_view marks = next == '(' ? "$" : "$$";
        out.append(marks).append(trimmed(text.substr(at + 2, *end - at - 2))).append(marks);
        at = *end + 2;
        any = true;
        continue;
      }
    }
    const bool escape = text[at] == '\\' && at + 1 < text.size();
    if (text[at] == '$' && next >= '0' && next <= '9') dollars.push_back(out.size());
    out += text.substr(at, escape ? 2 : 1);
    at += escape ? 2 : 1;
  }
  if (!any) return std::string(text);
  std::string escaped;
  size_t copied = 0;
  for (const size_t dollar : dollars) {
    escaped += out.substr(copied, dollar - copied) + "\\";
    copied = dollar;
  }
  return escaped + out.substr(copied);
}

}  // namespace lectern
