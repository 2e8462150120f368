#include "reading/view_text.h"

#include <algorithm>
#include <span>

#include "core/confidence.h"
#include "layout/layout_tags.h"

namespace lectern {

RowText text_of_view(const Page& view) {
  const std::vector<float> scores = byte_scores(view.raw, view.token_ends, view.token_logprobs);
  RowText text;
  for (size_t at = 0; at < view.raw.size();) {
    if (const size_t token = special_token_length(std::string_view(view.raw).substr(at)); token > 0) {
      at += token;
      continue;
    }
    text.text += view.raw[at];
    if (!view.token_ends.empty()) text.scores.push_back(scores[at]);
    ++at;
  }
  return text;
}

RowText on_one_line(const RowText& view) {
  struct Line {
    size_t begin, end;
    double confidence;
  };
  std::vector<Line> lines;
  double most = 0;
  for (size_t at = 0; at < view.text.size();) {
    const size_t end = std::min(view.text.find('\n', at), view.text.size());
    MeanConfidence words;
    if (!view.scores.empty()) {
      words.add_words(std::string_view(view.text).substr(at, end - at), std::span(view.scores).subspan(at, end - at));
    }
    lines.push_back({at, end, words.value().value_or(0)});
    most = std::max(most, lines.back().confidence);
    at = end + 1;
  }
  RowText row;
  for (const Line& line : lines) {
    if (line.confidence * 2 < most) continue;
    if (!row.text.empty()) row.text += ' ';
    row.text += view.text.substr(line.begin, line.end - line.begin);
    if (view.scores.empty()) continue;
    row.scores.resize(row.text.size() - (line.end - line.begin));
    row.scores.insert(row.scores.end(), view.scores.begin() + static_cast<ptrdiff_t>(line.begin),
                      view.scores.begin() + static_cast<ptrdiff_t>(line.end));
  }
  return row;
}

size_t first_stop(const std::string& text, const std::vector<std::string>& stops, size_t from) {
  size_t first = std::string::npos;
  for (const std::string& stop : stops) {
    if (!stop.empty()) first = std::min(first, text.find(stop, from));
  }
  return first;
}

size_t beginning_of_stop(std::string_view text, const std::vector<std::string>& stops) {
  size_t longest = 0;
  for (const std::string& stop : stops) {
    for (size_t length = std::min(text.size(), stop.empty() ? 0 : stop.size() - 1); length > longest; --length) {
      if (text.ends_with(std::string_view(stop).substr(0, length))) longest = length;
    }
  }
  return longest;
}

}  // namespace lectern
