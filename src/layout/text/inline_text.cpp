#include "layout/text/inline_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "core/text.h"
#include "core/utf8.h"
#include "layout/markup.h"

namespace lectern {
namespace {

constexpr size_t max_link_text = 1000, max_link_target = 2000;  // bytes
constexpr size_t max_open_marks = 32;                           // asterisks that wait for their pair
constexpr size_t max_code = 200;                                // bytes within backticks
constexpr size_t max_dollar_formula = 1000;                     // bytes between single dollars
constexpr uint8_t removed = 128;                                // a byte that is a mark

char32_t character_before(std::string_view text, size_t at) {
  if (at == 0) return U'\n';
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return characters_of(text.substr(begin, at - begin)).back();
}

char32_t character_at(std::string_view text, size_t at) {
  return at >= text.size() ? U'\n' : characters_of(text.substr(at, 4)).front();
}

bool is_gap(char32_t c) { return (c < 0x80 && is_space(static_cast<char>(c))) || c == 0xA0 || c == 0x3000; }

// A letter or digit of scripts that put spaces between words.
bool is_joined(char32_t c) {
  if (c < 0x80) return is_letter(static_cast<char>(c)) || is_digit(static_cast<char>(c));
  return c >= 0xC0 && !(c >= 0x2000 && c < 0x2E80) && !is_wide(c);
}

bool one_of(char32_t c, std::u32string_view characters) { return characters.find(c) != std::u32string_view::npos; }

// What may stand in an address that is passed on: a place beside the file, a page of the web, a mailbox.
bool is_safe_target(std::string_view target) {
  const bool plain = std::ranges::all_of(target, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '<' && c != '>' && c != '(' && c != ')' && c != '\\' &&
           c != '"';
  });
  if (!plain || target.empty() || target.starts_with("//")) return false;
  const size_t colon = target.find(':');
  if (colon == std::string_view::npos || target.substr(0, colon).find_first_of("/?#") != std::string_view::npos)
    return true;
  const std::string scheme = lower_case(target.substr(0, colon));
  return scheme == "http" || scheme == "https" || scheme == "mailto";
}

struct Atom {
  size_t begin, end;
  TextRun::Kind kind;
  std::string text, target;
};

struct Mark {
  size_t begin, length;
};

class InlineParser {
 public:
  explicit InlineParser(const StyledText& given) : text_(given.text), styles_(given.styles), formulas_(given.text) {}

  TextRuns runs() {
    for (size_t at = 0; at < text_.size();) at = take(at);
    return emit();
  }

 private:
  // Looks at what begins at `at`; returns where to go on.
  size_t take(size_t at) {
    const std::string_view rest = text_.substr(at);
    switch (rest.front()) {
      case '\\':
      case '$':
        if (const auto end = formula(at)) return add({at, *end, TextRun::Kind::formula, {}, {}});
        return at + (rest.front() == '\\' && rest.size() > 1 ? 2 : 1);
      case '`': return take_code(at);
      case '!': return rest.starts_with("![") ? take_link(at, TextRun::Kind::picture) : at + 1;
      case '[': return take_link(at, TextRun::Kind::link);
      case '*': return take_stars(at);
      default: {
        const size_t next = text_.find_first_of("\\$`![*", at + 1);
        return next == std::string_view::npos ? text_.size() : next;
      }
    }
  }

  size_t add(Atom atom) {
    if (atom.text.empty()) atom.text = text_.substr(atom.begin, atom.end - atom.begin);
    atoms_.push_back(std::move(atom));
    return atoms_.back().end;
  }

  std::optional<size_t> formula(size_t at) {
    const bool dollar = text_[at] == '$' && !text_.substr(at).starts_with("$$");
    if (!dollar) return formulas_.find(at);
    // $x$, but not what costs $5 and $6.
    const char32_t first = character_at(text_, at + 1);
    if (is_gap(first) || is_joined(character_before(text_, at)) || (first < 0x80 && is_digit(static_cast<char>(first))))
      return std::nullopt;
    const std::string_view line = text_.substr(at + 1, max_dollar_formula);
    size_t end = line.find_first_of("$\n");
    while (end != std::string_view::npos && end > 0 && line[end] == '$' && line[end - 1] == '\\')
      end = line.find_first_of("$\n", end + 1);
    if (end == std::string_view::npos || end == 0 || line[end] != '$' || is_space(line[end - 1])) return std::nullopt;
    return is_joined(character_at(text_, at + end + 2)) ? std::nullopt : std::optional(at + end + 2);
  }

  // As asterisks, backticks open before a word and close behind one.
  size_t take_code(size_t at) {
    const size_t begin = std::min(text_.find_first_not_of('`', at), text_.size());
    const std::string_view marks = text_.substr(at, begin - at);
    if (is_gap(character_at(text_, begin)) || is_joined(character_before(text_, at))) return begin;
    const std::string_view line = text_.substr(begin, max_code);
    for (size_t end = line.find_first_of("`\n"); end != std::string_view::npos && line[end] == '`';) {
      const size_t behind = std::min(line.find_first_not_of('`', end), line.size());
      if (behind - end == marks.size()) {
        const bool closes = !is_space(line[end - 1]) && !is_joined(character_at(text_, begin + behind));
        if (!closes) return begin;
        return add({at, begin + behind, TextRun::Kind::code, std::string(line.substr(0, end)), {}});
      }
      end = line.find_first_of("`\n", behind);
    }
    return begin;
  }

  size_t take_link(size_t at, TextRun::Kind kind) {
    const size_t label = at + (kind == TextRun::Kind::picture ? 2 : 1);
    const size_t close = text_.substr(label, max_link_text).find_first_of("[]\n");
    const bool whole = close != std::string_view::npos && text_.substr(label + close).starts_with("](");
    if (!whole || (close == 0 && kind == TextRun::Kind::link)) return label;
    const size_t begin = label + close + 2;
    const size_t length = text_.substr(begin, max_link_target).find_first_of(") \n");
    if (length == std::string_view::npos || text_[begin + length] != ')') return label;
    const std::string_view target = text_.substr(begin, length);
    if (!is_safe_target(target)) return label;
    atoms_.push_back({at, begin + length + 1, kind, std::string(text_.substr(label, close)), std::string(target)});
    return atoms_.back().end;
  }

  size_t take_stars(size_t at) {
    const size_t end = std::min(text_.find_first_not_of('*', at), text_.size());
    const size_t length = end - at;
    if (length > 3) return end;
    const char32_t before = character_before(text_, at), behind = character_at(text_, end);
    const bool closes = !is_gap(before) && !one_of(before, U"([{") && !is_joined(behind);
    if (closes) {
      const auto open = std::find_if(open_.rbegin(), open_.rend(), [&](const Mark& m) { return m.length == length; });
      if (open != open_.rend()) {
        pair(*open, {at, length});
        open_.erase(open.base() - 1, open_.end());
        return end;
      }
    }
    const bool opens = !is_gap(behind) && !one_of(behind, U")]}.,;:!?") && !is_joined(before);
    if (opens) {
      if (open_.size() == max_open_marks) open_.erase(open_.begin());
      open_.push_back({at, length});
    }
    return end;
  }

  void pair(const Mark& open, const Mark& close) {
    const size_t begin = open.begin + open.length;
    const auto style =
        static_cast<uint8_t>((open.length >= 2 ? style_strong : 0) | (open.length != 2 ? style_starred : 0));
    pairs_.push_back({begin, close.begin, style});
    for (size_t i = 0; i < open.length; ++i) styles_[open.begin + i] = styles_[close.begin + i] = removed;
  }

  TextRuns emit() {
    // A byte's style is what was set for it and what every pair around it says; pairs of one kind do not nest deeply.
    std::vector<std::array<int, 2>> changes(pairs_.empty() ? 0 : text_.size() + 1);
    for (const auto& [begin, end, style] : pairs_) {
      if ((style & style_strong) != 0) ++changes[begin][0], --changes[end][0];
      if ((style & style_starred) != 0) ++changes[begin][1], --changes[end][1];
    }
    int strong = 0, starred = 0;
    for (size_t i = 0; i < changes.size() && i < styles_.size(); ++i) {
      strong += changes[i][0];
      starred += changes[i][1];
      if (styles_[i] == removed) continue;
      if (strong > 0) styles_[i] |= style_strong;
      if (starred > 0) styles_[i] |= style_starred;
    }
    TextRuns runs;
    auto atom = atoms_.begin();
    for (size_t at = 0; at < text_.size();) {
      if (atom != atoms_.end() && atom->begin == at) {
        runs.push_back({atom->kind, styles_[at], std::move(atom->text), std::move(atom->target)});
        at = atom++->end;
        continue;
      }
      if (styles_[at] == removed) {
        ++at;
        continue;
      }
      const size_t limit = atom == atoms_.end() ? text_.size() : atom->begin;
      size_t end = at;
      while (end < limit && styles_[end] == styles_[at]) ++end;
      runs.push_back({TextRun::Kind::text, styles_[at], std::string(text_.substr(at, end - at)), {}});
      at = end;
    }
    return runs;
  }

  struct Pair {
    size_t begin, end;
    uint8_t style;
  };

  const std::string_view text_;
  std::vector<uint8_t> styles_;
  FormulaEnds formulas_;
  std::vector<Atom> atoms_;  // in order
  std::vector<Mark> open_;
  std::vector<Pair> pairs_;
};

}  // namespace

TextRuns parse_inline(const StyledText& text) { return InlineParser(text).runs(); }

std::optional<size_t> FormulaEnds::find(size_t at) {
  const std::string_view rest = text_.substr(at);
  if (rest.starts_with("\\(")) return find(at + 2, "\\)", round_);
  if (rest.starts_with("\\[")) return find(at + 2, "\\]", square_);
  if (rest.starts_with("$$")) return find(at + 2, "$$", dollars_);
  return std::nullopt;
}

std::optional<size_t> FormulaEnds::find(size_t at, std::string_view closing, size_t& searched) const {
  if (at < searched) return std::nullopt;  // an earlier search has been here
  for (size_t i = at; i + 1 < text_.size(); ++i) {
    const std::string_view rest = text_.substr(i);
    if (rest.starts_with("\n\n")) {
      searched = i;
      return std::nullopt;
    }
    if (rest.starts_with(closing) && i > at) return i + closing.size();
    if (rest.front() == '\\') ++i;
  }
  searched = text_.size();
  return std::nullopt;
}

}  // namespace lectern
