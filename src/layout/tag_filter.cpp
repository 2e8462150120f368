#include "layout/tag_filter.h"

#include <algorithm>

namespace lectern {
namespace {

constexpr std::string_view ref = "<|ref|>", ref_end = "<|/ref|>", det = "<|det|>", det_end = "<|/det|>";
constexpr size_t longest_tag = 1000;  // of a label or of boxes: what goes on for longer is text

enum class Match { none, partial, whole };

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
  const size_t limit = std::min(text.size(), at + longest_tag);
  for (size_t i = at; i < limit; ++i) {
    if (text[i] != '<') continue;
    size_t behind = i;
    const Match match = take(text, behind, word);
    if (match == Match::whole) at = behind;
    if (match != Match::none || text.substr(i, 2) == "<|") return match;
  }
  return limit < text.size() ? Match::none : Match::partial;
}

// A whole block tag at the beginning of the text; `at` moves behind it.
Match take_tag(std::string_view text, size_t& at) {
  Match match = take(text, at, ref);
  if (match == Match::whole) match = take_until(text, at, ref_end);
  if (match == Match::whole) match = take(text, at, det);
  if (match == Match::whole) match = take_until(text, at, det_end);
  return match;
}

}  // namespace

std::string TagFilter::push(std::string_view text) {
  pending_ += text;
  std::string out;
  size_t start = 0;
  while (start < pending_.size()) {
    const size_t tag = pending_.find('<', start);
    if (tag == std::string::npos) {
      out.append(pending_, start);
      start = pending_.size();
      break;
    }
    out.append(pending_, start, tag - start);
    start = tag;
    size_t length = 0;
    const std::string_view rest = std::string_view(pending_).substr(tag);
    const Match match = take_tag(rest, length);
    if (match == Match::partial || (match == Match::whole && length == rest.size())) break;  // a line break may follow
    if (match == Match::none) {
      out += '<';
      ++start;
    } else {
      start += length + (rest[length] == '\n' ? 1 : 0);
    }
  }
  pending_.erase(0, start);
  return out;
}

std::string TagFilter::finish() {
  std::string rest = std::move(pending_);
  pending_.clear();
  size_t length = 0;
  return take_tag(rest, length) == Match::whole && length == rest.size() ? "" : rest;
}

}  // namespace lectern
