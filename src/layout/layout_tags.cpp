#include "layout/layout_tags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/text.h"
#include "layout/labels.h"

namespace lectern {
namespace {

constexpr std::array<std::pair<std::string_view, Marker>, 4> markers = {
    {{"<|ref|>", Marker::ref}, {"<|/ref|>", Marker::ref_end}, {"<|det|>", Marker::det}, {"<|/det|>", Marker::det_end}}};
constexpr size_t max_token_name = 64;  // bytes between the bars of a special token

// Published prompts, without their special tokens.
constexpr std::string_view prompts[] = {
    "Convert the document to markdown.", "OCR this image.",   "Free OCR.",          "Parse the figure.",
    "Describe this image in detail.",    "document parsing.", "Multi page parsing."};

bool one_of(char c, std::string_view characters) { return characters.find(c) != std::string_view::npos; }

const std::pair<std::string_view, Marker>* marker_at(std::string_view text) {
  const auto* found = std::ranges::find_if(markers, [&](const auto& m) { return text.starts_with(m.first); });
  return found == markers.end() ? nullptr : found;
}

// Takes one number; what an int cannot hold stays within a billion.
double read_number(std::string_view text, size_t& at) {
  const bool negative = text[at] == '-';
  if (negative) ++at;
  double value = 0, unit = 1;
  for (; at < text.size() && is_digit(text[at]); ++at) value = std::min(value * 10 + (text[at] - '0'), 1e9);
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at) value += (unit /= 10) * (text[at] - '0');
  }
  return negative ? -value : value;
}

bool on_scale(const std::array<int, 4>& box) {
  const auto [low, high] = std::ranges::minmax(box);
  return low >= 0 && high <= layout_scale + 1 && box[0] <= box[2] && box[1] <= box[3];
}

struct LabelledBoxes {
  std::string_view label, coordinates;
  size_t length = 0;  // of the whole
};

// A label and its coordinates, as they stand in a line without special tokens.
std::optional<LabelledBoxes> labelled_boxes(std::string_view text) {
  const size_t bracket = text.substr(0, max_label_size).find_first_of("[<\n");
  if (bracket == std::string_view::npos || text[bracket] != '[') return std::nullopt;
  const std::string_view label = trimmed(text.substr(0, bracket));
  if (label.empty()) return std::nullopt;
  const Coordinates found = read_coordinates(text.substr(bracket));
  if (!found.whole || found.boxes.empty() || !std::ranges::all_of(found.boxes, on_scale)) return std::nullopt;
  return LabelledBoxes{label, text.substr(bracket, found.length), bracket + found.length};
}

// The label before the coordinates within one tag; text is what stands behind <|det|>. Coordinates may be broken as
// they may be in other tags where nothing but them stands before <|/det|>.
std::optional<std::string_view> label_within_tag(std::string_view text) {
  const size_t bracket = text.substr(0, max_label_size).find_first_of("[<\n");
  if (bracket == std::string_view::npos || text[bracket] != '[') return std::nullopt;
  const std::string_view label = trimmed(text.substr(0, bracket));
  const std::string_view behind = text.substr(bracket);
  const Coordinates found = read_coordinates(behind);
  const size_t gap = behind.find_first_not_of(' ', found.length);
  const bool alone = gap != std::string_view::npos && behind.substr(gap).starts_with("<|/det|>") &&
                     std::ranges::any_of(behind.substr(0, found.length), is_digit);
  const bool tidy = found.whole && !found.boxes.empty();
  return !label.empty() && (alone || tidy) ? std::optional(label) : std::nullopt;
}

// A tag at the start of a line without its special tokens. Labels that are not known count only where nothing else
// stands in the line, and one bracket only where no sentence goes on behind it.
std::optional<LabelledBoxes> bare_tag(std::string_view text) {
  const auto tag = labelled_boxes(text);
  if (!tag) return std::nullopt;
  const std::string_view rest = text.substr(tag->length);
  const bool alone = is_blank(rest.substr(0, rest.find('\n')));
  const bool twice = tag->coordinates.starts_with("[[");
  if (find_label(tag->label) != nullptr) {
    const bool goes_on = !alone && (is_space(rest.front()) || one_of(rest.front(), ".,;:)?!"));
    return twice || !goes_on ? tag : std::nullopt;
  }
  const bool touching = tag->label.data() + tag->label.size() == tag->coordinates.data();
  const bool expression = one_of(tag->label.back(), "=([{,:+-*/&|^~<>\\");
  return alone && twice && touching && !expression ? tag : std::nullopt;
}

class Lexer {
 public:
  explicit Lexer(std::string_view raw)
      : raw_(raw),
        start_(prompt_echo_length(raw)),
        bare_(raw.find("<|ref|>") == std::string_view::npos && raw.find("<|det|>") == std::string_view::npos) {}

  std::vector<TagPiece> pieces() {
    for (size_t at = start_; at < raw_.size();) {
      if (bare_ && (at == start_ || raw_[at - 1] == '\n')) {
        if (const auto tag = bare_tag(raw_.substr(at))) {
          add(*tag, at);
          at = start_ = at + tag->length;
          continue;
        }
      }
      at = raw_.find_first_of(bare_ ? "<\n" : "<", at);
      if (at == std::string_view::npos) break;
      const std::string_view rest = raw_.substr(at);
      if (const auto* marker = marker_at(rest)) {
        at = take_marker(*marker, at);
      } else if (const size_t token = special_token_length(rest); token > 0) {
        end_piece(at);
        at = start_ = at + token;
        pieces_.push_back({Marker::none, {}});
      } else {
        ++at;
      }
    }
    end_piece(raw_.size());
    return std::move(pieces_);
  }

 private:
  void end_piece(size_t end) { pieces_.back().text = raw_.substr(start_, end - start_); }

  void add(const LabelledBoxes& tag, size_t at) {
    end_piece(at);
    pieces_.push_back({Marker::ref, tag.label});
    pieces_.push_back({Marker::ref_end, {}});
    pieces_.push_back({Marker::det, tag.coordinates});
    pieces_.push_back({Marker::det_end, {}});
  }

  // Returns where to go on.
  size_t take_marker(const std::pair<std::string_view, Marker>& marker, size_t at) {
    const size_t behind = at + marker.first.size();
    const std::string_view rest = raw_.substr(behind);
    end_piece(at);
    const bool has_label = pieces_.back().marker == Marker::ref_end && is_blank(pieces_.back().text);
    start_ = behind;
    if (marker.second == Marker::det && !has_label) {
      if (const auto label = label_within_tag(rest)) {
        pieces_.push_back({Marker::ref, *label});
        pieces_.push_back({Marker::ref_end, {}});
        pieces_.push_back({Marker::det, {}});
        start_ = behind + rest.find('[');
        return start_;
      }
    }
    pieces_.push_back({marker.second, {}});
    if (marker.second == Marker::ref_end && rest.starts_with('[')) {
      const Coordinates found = read_coordinates(rest);
      if (found.whole && !found.boxes.empty()) {
        pieces_.push_back({Marker::det, rest.substr(0, found.length)});
        pieces_.push_back({Marker::det_end, {}});
        start_ = behind + found.length;
        return start_;
      }
    }
    return behind;
  }

  const std::string_view raw_;
  size_t start_;     // of the piece that is open
  const bool bare_;  // tags have no special tokens
  std::vector<TagPiece> pieces_ = {{Marker::none, {}}};
};

}  // namespace

std::vector<TagPiece> split_at_markers(std::string_view raw) { return Lexer(raw).pieces(); }

Coordinates read_coordinates(std::string_view text) {
  Coordinates found;
  std::vector<double> list;
  const auto close_list = [&] {
    if (list.size() % 4 != 0) found.whole = false;
    for (size_t i = 0; i + 4 <= list.size(); i += 4) {
      std::array<int, 4>& box = found.boxes.emplace_back();
      for (size_t k = 0; k < 4; ++k) box[k] = static_cast<int>(std::lround(list[i + k]));
    }
    list.clear();
  };
  size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  found.brackets = at < text.size() && text[at] == '[';
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (is_digit(c) || (c == '-' && at + 1 < text.size() && is_digit(text[at + 1]))) {
      size_t behind = at;
      const double number = read_number(text, behind);
      if (behind < text.size() && !is_space(text[behind]) && !one_of(text[behind], ",[]<")) {
        list.clear();  // "4e2" is no 4
        found.whole = false;
        break;
      }
      list.push_back(number);
      at = behind;
      continue;
    }
    if (c == '[') {
      close_list();
      ++depth;
    } else if (c == ']') {
      close_list();
      found.whole &= --depth >= 0;
    } else if (c != ',' && !is_space(c)) {
      break;
    }
    ++at;
    if (c == ']' && depth <= 0) {
      const size_t next = text.find_first_not_of(", ", at);
      if (next == std::string_view::npos || text[next] != '[') break;
    }
  }
  close_list();
  found.whole &= depth == 0;
  found.length = at;
  return found;
}

std::string with_moved_boxes(std::string_view raw,
                             const std::function<std::array<int, 4>(const std::array<int, 4>&)>& move) {
  std::string out;
  size_t copied = 0;
  for (const TagPiece& piece : split_at_markers(raw)) {
    if (piece.marker != Marker::det) continue;
    const Coordinates found = read_coordinates(piece.text);
    if (!found.whole || found.boxes.empty()) continue;
    const auto begin = static_cast<size_t>(piece.text.data() - raw.data());
    out += raw.substr(copied, begin - copied);
    for (size_t i = 0; i < found.boxes.size(); ++i) {
      out += fmt::format("{}[{}]", i == 0 ? "[" : ", ", fmt::join(move(found.boxes[i]), ", "));
    }
    out += ']';
    copied = begin + found.length;
  }
  return out.append(raw.substr(copied));
}

size_t special_token_length(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> bars[] = {{"<|", "|>"}, {"<｜", "｜>"}};
  for (const auto& [open, close] : bars) {
    if (!text.starts_with(open)) continue;
    const std::string_view rest = text.substr(open.size(), max_token_name + close.size());
    const size_t end = rest.find(close);
    if (end == std::string_view::npos || end == 0) return 0;
    const bool name = std::ranges::none_of(rest.substr(0, end), [](char c) {
      return is_space(c) || c == '|' || c == '<' || c == '>' || static_cast<unsigned char>(c) < 0x20;
    });
    return name ? open.size() + end + close.size() : 0;
  }
  return 0;
}

size_t prompt_echo_length(std::string_view raw) {
  const auto behind_spaces = [&](size_t at) { return std::min(raw.find_first_not_of(" \t\r\n", at), raw.size()); };
  const auto prompt_at = [&](size_t at) -> size_t {
    for (const std::string_view prompt : prompts) {
      if (raw.substr(at).starts_with(prompt)) return prompt.size();
    }
    return 0;
  };
  size_t at = behind_spaces(0), end = 0;
  for (;;) {
    const std::string_view rest = raw.substr(at);
    if (rest.starts_with("<|grounding|>")) {
      at = behind_spaces(at + std::string_view("<|grounding|>").size());
      if (const size_t length = prompt_at(at); length > 0) return at + length;
      const size_t line_end = std::min({raw.find('\n', at), raw.find("<|ref|>", at), raw.find("<|det|>", at)});
      return line_end == std::string_view::npos ? at : line_end;
    }
    const size_t length = rest.starts_with("<image>") ? 7 : marker_at(rest) != nullptr ? 0 : special_token_length(rest);
    if (length == 0) break;
    end = at + length;
    at = behind_spaces(end);
  }
  if (const size_t length = prompt_at(at); length > 0) {
    const size_t next = behind_spaces(at + length);
    const std::string_view rest = raw.substr(next);
    if (end > 0 || rest.starts_with("<|ref|>") || rest.starts_with("<|det|>") || bare_tag(rest)) return at + length;
  }
  return end;
}

}  // namespace lectern
