#include "layout/text/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "core/text.h"
#include "core/utf8.h"

namespace lectern {
namespace {

constexpr int max_span = 1000;
constexpr int max_tables = 8;            // one within the other
constexpr int max_styles = 16;           // open at one place
constexpr size_t max_attributes = 1000;  // bytes; more say nothing about a cell
constexpr size_t max_entity = 34;        // bytes of the longest name of an entity, with & and ;

enum class TagKind : uint8_t { table, table_part, style, line_break, gap, nothing };
struct KnownTag {
  std::string_view name;
  TagKind kind;
};
constexpr auto known_tags = std::to_array<KnownTag>({{"table", TagKind::table},      {"caption", TagKind::table_part},
                                                     {"thead", TagKind::table_part}, {"tbody", TagKind::table_part},
                                                     {"tfoot", TagKind::table_part}, {"tr", TagKind::table_part},
                                                     {"td", TagKind::table_part},    {"th", TagKind::table_part},
                                                     {"sup", TagKind::style},        {"sub", TagKind::style},
                                                     {"b", TagKind::style},          {"strong", TagKind::style},
                                                     {"i", TagKind::style},          {"em", TagKind::style},
                                                     {"br", TagKind::line_break},    {"p", TagKind::gap},
                                                     {"div", TagKind::gap},          {"ul", TagKind::gap},
                                                     {"ol", TagKind::gap},           {"li", TagKind::gap},
                                                     {"center", TagKind::nothing},   {"u", TagKind::nothing}});

struct Tag {
  const KnownTag* known = nullptr;
  bool closing = false;
  size_t length = 0;
  std::string_view attributes;
};

bool is_table_tag(const KnownTag& tag) { return tag.kind == TagKind::table || tag.kind == TagKind::table_part; }

struct TagEnd {
  size_t length = 0;       // up to the '>'
  bool attributes = true;  // what stands before it can be read as attributes
};

// Where a tag ends. A quote that is not closed before the next tag of a table is no quote.
std::optional<TagEnd> end_of_tag(std::string_view text) {
  for (const bool quotes : {true, false}) {
    char quote = 0;
    for (size_t i = 0; i < std::min(text.size(), max_attributes); ++i) {
      if (quote != 0) {
        if (text.substr(i).starts_with("<t") || text.substr(i).starts_with("</t")) break;
        if (text[i] == quote) quote = 0;
      } else if (text[i] == '>') {
        return TagEnd{i, quotes};
      } else if (text[i] == '<') {
        break;
      } else if (quotes && (text[i] == '"' || text[i] == '\'')) {
        quote = text[i];
      }
    }
  }
  return std::nullopt;
}

// The known tag that the text begins with.
std::optional<Tag> tag_at(std::string_view text) {
  Tag tag;
  size_t at = 1;
  if (at < text.size() && text[at] == '/') tag.closing = ++at > 0;
  std::string name;
  for (; at < text.size() && is_letter(text[at]) && name.size() < 8; ++at) name += lower(text[at]);
  const auto* const known = std::ranges::find(known_tags, name, &KnownTag::name);
  if (known == known_tags.end()) return std::nullopt;
  tag.known = known;
  if (is_table_tag(*known)) {
    if (at >= text.size() || !(is_space(text[at]) || text[at] == '/' || text[at] == '>')) return std::nullopt;
    const auto end = end_of_tag(text.substr(at));
    if (!end) return std::nullopt;
    if (end->attributes) tag.attributes = text.substr(at, end->length);
    tag.length = at + end->length + 1;
    return tag;
  }
  while (at < text.size() && text[at] == ' ') ++at;
  if (at < text.size() && text[at] == '/') ++at;
  if (at >= text.size() || text[at] != '>') return std::nullopt;
  tag.length = at + 1;
  return tag;
}

// The beginning of a table's tag, up to the end of the text.
bool is_cut_off(std::string_view text) {
  if (text.find('>') != std::string_view::npos || text.find('<', 1) != std::string_view::npos) return false;
  std::string_view name = text.substr(text.starts_with("</") ? 2 : 1);
  const size_t space = std::min(name.find_first_of(" \t\n"), name.size());
  return std::ranges::any_of(known_tags, [&](const KnownTag& tag) {
    return is_table_tag(tag) && (space == name.size() ? tag.name.starts_with(name) : tag.name == name.substr(0, space));
  });
}

bool begins_entity(std::string_view text) {
  const size_t end = text.substr(0, max_entity).find(';');
  if (end == std::string_view::npos || end < 2) return false;
  const std::string_view name = text.substr(1, end - 1);
  const auto letter_or_digit = [](char c) { return is_letter(c) || is_digit(c); };
  if (name.front() != '#') return is_letter(name.front()) && std::ranges::all_of(name, letter_or_digit);
  const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
  const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
  return !digits.empty() && digits != "0" && std::ranges::all_of(digits, [&](char c) {
    return is_digit(c) || (hexadecimal && lower(c) >= 'a' && lower(c) <= 'f');
  });
}

// HTML that means to gumbo what the text means to its reader: known tags, and all else escaped. Tags are nested to a
// depth that bounds the time and the stack of the parser.
class Preparation {
 public:
  std::string html(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t mark = std::min(text.find_first_of(std::string_view("<&\0\r", 4), at), text.size());
      out_ += text.substr(at, mark - at);
      at = mark;
      if (at == text.size()) break;
      const std::string_view rest = text.substr(at);
      const auto tag = rest.front() == '<' ? tag_at(rest) : std::nullopt;
      if (tag) {
        add(*tag);
        at += tag->length;
        continue;
      }
      if (rest.front() == '<' && !scopes_.empty() && is_cut_off(rest)) break;
      switch (rest.front()) {
        case '<': out_ += "&lt;"; break;
        case '&': out_ += begins_entity(rest) ? "&" : "&amp;"; break;
        case '\0': out_ += replacement_character; break;
        default: out_ += rest.starts_with("\r\n") ? "" : "\n";
      }
      ++at;
    }
    return std::move(out_);
  }

 private:
  using Counts = std::array<int, known_tags.size()>;  // of styles that are open

  void add(const Tag& tag) {
    const auto index = static_cast<size_t>(tag.known - known_tags.data());
    switch (tag.known->kind) {
      case TagKind::line_break: out_ += "<br>"; return;
      case TagKind::gap: out_ += '\n'; return;
      case TagKind::nothing: return;
      case TagKind::style: {
        Counts& open = scopes_.empty() ? outside_ : scopes_.back();
        if (tag.closing ? open[index] == 0 : open[index] >= max_styles) return;
        open[index] += tag.closing ? -1 : 1;
        break;
      }
      case TagKind::table:
        if (tag.closing) {
          if (skipped_ > 0) {
            --skipped_;
            return;
          }
          if (scopes_.empty()) return;
          scopes_.pop_back();
        } else if (scopes_.size() >= max_tables) {
          ++skipped_;
          return;
        } else {
          scopes_.emplace_back();
        }
        break;
      case TagKind::table_part:
        if (scopes_.empty()) {
          if (tag.closing) {
            out_ += '\n';  // what is left over of a table
            return;
          }
          out_ += "<table>";
          scopes_.emplace_back();
        }
        scopes_.back() = {};  // gumbo closes what is open in a cell
        break;
    }
    out_ += tag.closing ? "</" : "<";
    out_ += tag.known->name;
    if (!tag.closing && is_table_tag(*tag.known)) out_ += tag.attributes;
    out_ += '>';
  }

  std::string out_;
  Counts outside_{};
  std::vector<Counts> scopes_;  // of each table that is open
  int skipped_ = 0;             // tables that are too deep
};

int span_of(const GumboElement& cell, const char* name) {
  const GumboAttribute* const attribute = gumbo_get_attribute(&cell.attributes, name);
  if (attribute == nullptr) return 1;
  const std::string_view value = trimmed(attribute->value);
  int span = 1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), span);
  if (error == std::errc::result_out_of_range) return value.starts_with('-') ? 1 : max_span;
  return std::clamp(span, 1, max_span);
}

uint8_t style_of(GumboTag tag, uint8_t style) {
  constexpr auto scripts = static_cast<uint8_t>(style_superscript | style_subscript);
  switch (tag) {
    case GUMBO_TAG_B:
    case GUMBO_TAG_STRONG: return style | style_strong;
    case GUMBO_TAG_I:
    case GUMBO_TAG_EM: return style | style_italic;
    case GUMBO_TAG_SUP: return static_cast<uint8_t>((style & ~scripts) | style_superscript);
    case GUMBO_TAG_SUB: return static_cast<uint8_t>((style & ~scripts) | style_subscript);
    default: return style;
  }
}

class Reader {
 public:
  std::vector<HtmlPart> parts(const GumboNode& root) {
    read(root, 0);
    end_text();
    return std::move(parts_);
  }

 private:
  static std::vector<const GumboNode*> children(const GumboNode& node) {
    std::vector<const GumboNode*> nodes;
    const GumboVector& list = node.v.element.children;
    for (unsigned i = 0; i < list.length; ++i) nodes.push_back(static_cast<const GumboNode*>(list.data[i]));
    return nodes;
  }

  void end_text() {
    if (!text_.text.empty()) parts_.push_back({false, std::exchange(text_, {}), {}});
  }

  void read(const GumboNode& node, uint8_t style) {
    if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE) {
      text_.append(node.v.text.text, style);
    }
    if (node.type != GUMBO_NODE_ELEMENT) return;
    const GumboTag tag = node.v.element.tag;
    if (tag == GUMBO_TAG_BR) return text_.append("\n", style_break);
    if (tag == GUMBO_TAG_TABLE) {
      HtmlPart part;
      part.table = true;
      read_rows(node, TableSection::none, part);
      end_text();
      parts_.push_back(std::move(part));
      return;
    }
    for (const GumboNode* child : children(node)) read(*child, style_of(tag, style));
  }

  void read_rows(const GumboNode& node, TableSection section, HtmlPart& part) {
    for (const GumboNode* child : children(node)) {
      if (child->type != GUMBO_NODE_ELEMENT) continue;
      const bool written = child->v.element.original_tag.length > 0;
      const auto as_written = [&](TableSection s) { return written ? s : TableSection::none; };
      switch (child->v.element.tag) {
        case GUMBO_TAG_THEAD: read_rows(*child, as_written(TableSection::head), part); break;
        case GUMBO_TAG_TBODY: read_rows(*child, as_written(TableSection::body), part); break;
        case GUMBO_TAG_TFOOT: read_rows(*child, as_written(TableSection::foot), part); break;
        case GUMBO_TAG_CAPTION: {
          read(*child, 0);
          text_.append("\n", 0);
          break;
        }
        case GUMBO_TAG_TR: {
          HtmlRow& row = part.rows.emplace_back();
          row.section = section;
          for (const GumboNode* cell : children(*child)) {
            if (cell->type == GUMBO_NODE_ELEMENT) row.cells.push_back(cell_of(*cell));
          }
          break;
        }
        default: break;
      }
    }
  }

  static HtmlCell cell_of(const GumboNode& node) {
    const GumboElement& element = node.v.element;
    HtmlCell cell{{}, span_of(element, "rowspan"), span_of(element, "colspan"), element.tag == GUMBO_TAG_TH};
    for (const GumboNode* child : children(node)) read_cell(*child, 0, cell.text);
    while (!cell.text.text.empty() && is_space(cell.text.text.back())) {
      cell.text.text.pop_back();
      cell.text.styles.pop_back();
    }
    return cell;
  }

  static void gap(StyledText& out) {
    if (!out.text.empty() && !is_space(out.text.back())) out.append(" ", 0);
  }

  static void read_cell(const GumboNode& node, uint8_t style, StyledText& out) {
    if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE) {
      for (const char c : std::string_view(node.v.text.text)) {
        if (is_space(c)) {
          gap(out);
        } else {
          out.append({&c, 1}, style);
        }
      }
    }
    if (node.type != GUMBO_NODE_ELEMENT) return;
    const GumboTag tag = node.v.element.tag;
    if (tag == GUMBO_TAG_BR) {
      if (out.text.ends_with(' ')) {
        out.text.pop_back();
        out.styles.pop_back();
      }
      if (!out.text.empty()) out.append("\n", 0);
      return;
    }
    const bool table = tag == GUMBO_TAG_TABLE || tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH || tag == GUMBO_TAG_CAPTION;
    if (table) gap(out);
    for (const GumboNode* child : children(node)) read_cell(*child, style_of(tag, style), out);
    if (table) gap(out);
  }

  std::vector<HtmlPart> parts_;
  StyledText text_;
};

}  // namespace

std::vector<HtmlPart> parse_html(std::string_view text) {
  if (text.find_first_of(std::string_view("<&\0\r", 4)) == std::string_view::npos) {
    HtmlPart part;
    part.text.append(text, 0);
    return text.empty() ? std::vector<HtmlPart>() : std::vector<HtmlPart>{std::move(part)};
  }
  const std::string html = Preparation().html(text);
  GumboOptions options = kGumboDefaultOptions;
  options.fragment_context = GUMBO_TAG_DIV;
  options.max_errors = 0;
  const auto destroy = [&](GumboOutput* output) { gumbo_destroy_output(&options, output); };
  const std::unique_ptr<GumboOutput, decltype(destroy)> output(
      gumbo_parse_with_options(&options, html.data(), html.size()), destroy);
  return Reader().parts(*output->root);
}

}  // namespace lectern
