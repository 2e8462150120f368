#include "layout/tag_filter.h"

#include <algorithm>
#include <cctype>

#include "core/text.h"
#include "layout/labels.h"
#include "layout/layout_tags.h"

namespace lectern {
namespace {

constexpr std::string_view ref = "<|ref|>", ref_end = "<|/ref|>", det = "<|det|>", det_end = "<|/det|>";
constexpr size_t max_tag_size = 1000;  // of a label or of boxes: what goes on for longer is text

constexpr size_t max_partial_token = 80;  // bytes of a special token that has not ended

enum class Match { none, partial, whole };

struct Found {
  Match match = Match::none;
  size_t length = 0;       // of the tag
  std::string_view label;  // of a layout tag
  bool layout = false;     // a whole layout tag, rather than a special token
};

// Whether text at `at` continues with `word`; `at` moves behind it.
Match take(std::string_view text, size_t& at, std::string_view word) {
  const std::string_view rest = text.substr(at, word.size());
  if (rest == word) {
    at += word.size();
    return Match::whole;
  }
  return word.starts_with(rest) && at + rest.size() == text.size() ? Match::partial : Match::none;
}

// As take, for anything up to and with `word`, unless another tag begins before it.
Match take_until(std::string_view text, size_t& at, std::string_view word) {
  const size_t limit = std::min(text.size(), at + max_tag_size);
  for (size_t i = at; i < limit; ++i) {
    if (text[i] != '<') continue;
    size_t behind = i;
    const Match match = take(text, behind, word);
    if (match == Match::whole) at = behind;
    if (match != Match::none || text.substr(i, 2) == "<|") return match;
  }
  return limit < text.size() ? Match::none : Match::partial;
}

// <|ref|>label<|/ref|><|det|>boxes<|/det|> at the beginning of the text.
Found take_ref(std::string_view text) {
  Found found;
  size_t at = 0;
  found.match = take(text, at, ref);
  if (found.match == Match::whole) found.match = take_until(text, at, ref_end);
  if (found.match == Match::whole) {
    found.label = trimmed(text.substr(ref.size(), at - ref.size() - ref_end.size()));
    found.match = take(text, at, det);
  }
  if (found.match == Match::whole) found.match = take_until(text, at, det_end);
  found.length = at;
  found.layout = true;
  return found;
}

// <|det|>label [boxes]<|/det|>, or boxes alone; coordinates may be broken, as the lexer of layout_tags.h has it.
Found take_det(std::string_view text) {
  Found found;
  size_t at = 0;
  found.match = take(text, at, det);
  if (found.match == Match::whole) found.match = take_until(text, at, det_end);
  if (found.match != Match::whole) return found;
  const std::string_view body = text.substr(det.size(), at - det.size() - det_end.size());
  const size_t bracket = body.find_first_of("[<\n");
  const size_t start = bracket != std::string_view::npos && body[bracket] == '[' ? bracket : 0;
  const std::string_view label = trimmed(body.substr(0, start));
  const Coordinates boxes = read_coordinates(body.substr(start));
  const std::string_view behind = body.substr(start + boxes.length);
  const bool whole = boxes.whole && !boxes.boxes.empty();
  const bool broken = label.empty() ? boxes.brackets
                                    : std::ranges::any_of(body.substr(start, boxes.length), is_digit) &&
                                          behind.find_first_not_of(' ') == std::string_view::npos;
  if (!is_blank(behind) || !(whole || broken)) return {};
  found.length = at;
  found.label = label;
  found.layout = true;
  return found;
}

Found take_token(std::string_view text) {
  Found found;
  found.length = special_token_length(text);
  if (found.length > 0) {
    found.match = Match::whole;
  } else if (text.size() < max_partial_token) {
    const auto completes = [&](std::string_view more) {
      return special_token_length(std::string(text).append(more)) > 0;
    };
    const bool partial = completes("x|>") || completes(">") || completes("x｜>") ||
                         std::string_view("<|").starts_with(text) || std::string_view("<｜").starts_with(text);
    if (partial) found.match = Match::partial;
  }
  return found;
}

Found take_tag(std::string_view text) {
  Found found = take_ref(text);
  if (found.match == Match::none) found = take_det(text);
  if (found.match == Match::none) found = take_token(text);
  return found;
}

}  // namespace

std::string TagFilter::take(bool last) {
  std::string out;
  const auto put = [&](std::string_view text) {
    out += text;
    const size_t line = text.rfind('\n');
    if (line != std::string_view::npos) in_line_ = false;
    in_line_ |= !is_blank(line == std::string_view::npos ? text : text.substr(line));
  };
  size_t start = 0;
  while (start < pending_.size()) {
    const size_t at = std::min(pending_.find('<', start), pending_.size());
    put(std::string_view(pending_).substr(start, at - start));
    start = at;
    if (at == pending_.size()) break;
    const std::string_view rest = std::string_view(pending_).substr(at);
    Found found = take_tag(rest);
    // A line break may follow.
    const bool open = found.match == Match::whole && found.layout && found.length == rest.size();
    if (!last && (found.match == Match::partial || open)) break;
    if (last && found.match == Match::partial) found = take_token(rest);
    if (found.match != Match::whole) {
      put("<");
      ++start;
      continue;
    }
    start += found.length;
    if (!found.layout) continue;
    const char next = found.length < rest.size() ? rest[found.length] : '\n';
    const bool goes_on = next == ' ' || std::ispunct(static_cast<unsigned char>(next)) != 0;
    if (!is_layout_label(found.label) && (in_line_ || (goes_on && next != '<'))) {
      put(found.label);
    } else if (next == '\n' && found.length < rest.size()) {
      ++start;
    }
  }
  pending_.erase(0, start);
  return out;
}

std::string TagFilter::push(std::string_view text) {
  pending_ += text;
  return take(false);
}

std::string TagFilter::finish() {
  std::string rest = take(true);
  pending_.clear();
  in_line_ = false;
  return rest;
}

}  // namespace lectern
