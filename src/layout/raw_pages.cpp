#include "layout/raw_pages.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace lectern {
namespace {

constexpr std::string_view split_line = "<--- Page Split --->";
constexpr std::string_view end_tokens[] = {"<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>"};

std::string without_end_tokens(std::string_view page) {
  std::string out(page);
  for (const std::string_view token : end_tokens) {
    size_t kept = 0, from = 0;
    for (size_t at = out.find(token); at != std::string::npos; at = out.find(token, from)) {
      std::copy(out.begin() + static_cast<std::ptrdiff_t>(from), out.begin() + static_cast<std::ptrdiff_t>(at),
                out.begin() + static_cast<std::ptrdiff_t>(kept));
      kept += at - from;
      from = at + token.size();
    }
    out.erase(kept, from - kept);
  }
  return out;
}

bool begins_line(std::string_view raw, size_t at) {
  return at == 0 || raw[at - 1] == '\n' || raw.substr(0, at).ends_with("｜>") || raw.substr(0, at).ends_with("|>");
}

// Where <PAGE> stands; all of them, or those that begin a line.
std::vector<size_t> page_marks(std::string_view raw, bool all) {
  std::vector<size_t> marks;
  for (size_t at = raw.find(page_begin); at != std::string_view::npos; at = raw.find(page_begin, at + 1)) {
    if (all || begins_line(raw, at)) marks.push_back(at);
  }
  return marks;
}

std::vector<RawPart> parts_at(std::string_view raw, const std::vector<size_t>& marks) {
  std::vector<RawPart> parts;
  const size_t before = marks.empty() ? raw.size() : marks.front();
  if (marks.empty() || !is_blank(raw.substr(0, before))) parts.push_back({0, before});
  for (size_t i = 0; i < marks.size(); ++i) {
    size_t begin = marks[i] + page_begin.size();
    if (begin < raw.size() && raw[begin] == '\n') ++begin;
    parts.push_back({begin, i + 1 < marks.size() ? marks[i + 1] : raw.size()});
  }
  return parts;
}

}  // namespace

std::vector<RawPart> raw_parts(std::string_view raw, size_t expected) {
  const std::vector<RawPart> all = parts_at(raw, page_marks(raw, true));
  return all.size() <= expected ? all : parts_at(raw, page_marks(raw, false));
}

std::vector<std::string> split_raw_pages(std::string_view raw) {
  std::vector<std::string> pages;
  size_t start = 0, at = 0;
  bool begun = false;  // the open page, by a mark of its own
  while (at < raw.size()) {
    // Both marks begin with a byte that is rare enough to look for.
    at = raw.find_first_of("\f<", at);
    if (at == std::string_view::npos) break;
    const bool split = raw.substr(at).starts_with(split_line);
    if (raw.substr(at).starts_with(page_begin) && begins_line(raw, at)) {
      // Nothing but white space before it: it begins the page that is open, unless that one has its mark.
      std::string page = without_end_tokens(raw.substr(start, at - start));
      if (begun || !is_blank(page)) pages.push_back(std::move(page));
      at += page_begin.size();
      if (at < raw.size() && raw[at] == '\n') ++at;
      start = at;
      begun = true;
      continue;
    }
    if (raw[at] != '\f' && !split) {
      ++at;
      continue;
    }
    // The line breaks around the mark belong to it.
    std::string_view page = raw.substr(start, at - start);
    if (split) {
      for (int i = 0; i < 2 && page.ends_with('\n'); ++i) page.remove_suffix(1);
    }
    pages.push_back(without_end_tokens(page));
    at += split ? split_line.size() : 1;
    if (split && at < raw.size() && raw[at] == '\n') ++at;
    start = at;
    begun = false;
  }
  const std::string_view rest = raw.substr(start);
  if (begun || pages.empty() || rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    pages.push_back(without_end_tokens(rest));
  }
  return pages;
}

}  // namespace lectern
