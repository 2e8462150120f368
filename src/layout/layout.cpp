#include "layout/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "layout/labels.h"
#include "layout/markup.h"

namespace lectern {
namespace {

enum class Marker { none, ref, ref_end, det, det_end };
constexpr std::array<std::pair<std::string_view, Marker>, 4> markers = {
    {{"<|ref|>", Marker::ref}, {"<|/ref|>", Marker::ref_end}, {"<|det|>", Marker::det}, {"<|/det|>", Marker::det_end}}};
constexpr size_t longest_label = 1000;  // bytes; what goes on for longer is text

// A marker and what stands between it and the next one.
struct Piece {
  Marker marker;
  std::string_view text;
};

std::vector<Piece> split_at_markers(std::string_view raw) {
  std::vector<Piece> pieces = {{Marker::none, {}}};
  size_t start = 0;
  for (size_t at = raw.find("<|"); at != std::string_view::npos; at = raw.find("<|", at)) {
    const auto* marker = std::ranges::find_if(markers, [&](auto& m) { return raw.substr(at).starts_with(m.first); });
    if (marker == markers.end()) {
      ++at;
      continue;
    }
    pieces.back().text = raw.substr(start, at - start);
    at = start = at + marker->first.size();
    pieces.push_back({marker->second, {}});
  }
  pieces.back().text = raw.substr(start);
  return pieces;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(std::string_view text) { return std::ranges::all_of(text, is_space); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Without the white space around it; code keeps the indentation of its first line.
std::string_view without_margins(std::string_view text, bool keep_indentation) {
  const std::string_view inner = trimmed(text);
  if (!keep_indentation || inner.empty()) return inner;
  const char* start = inner.data();
  while (start != text.data() && (start[-1] == ' ' || start[-1] == '\t')) --start;
  const bool own_line = start != text.data() && start[-1] == '\n';
  return own_line ? std::string_view(start, static_cast<size_t>(inner.data() + inner.size() - start)) : inner;
}

struct Coordinates {
  std::vector<std::array<int, 4>> boxes;
  size_t length = 0;      // bytes of the text that they take, from its beginning
  bool brackets = false;  // they begin as coordinates do
  bool whole = true;      // brackets and numbers are as they should be
};

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

// Digits, brackets and what stands between them, up to where the outermost bracket closes. Every four numbers of one
// list are a box.
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
      list.push_back(read_number(text, at));
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

class Parser {
 public:
  Parser(int page_width, int page_height) : width_(std::max(page_width, 1)), height_(std::max(page_height, 1)) {}

  Layout parse(std::string_view raw) {
    const std::vector<Piece> pieces = split_at_markers(raw);
    for (size_t i = 0; i < pieces.size();) i += take(std::span(pieces).subspan(i));
    end_block();
    take_labels_for_text();
    if (malformed_ > 0) {
      layout_.warnings.push_back({"malformed_tag",
                                  malformed_ == 1
                                      ? "one layout tag is malformed; its text is kept"
                                      : fmt::format("{} layout tags are malformed; their text is kept", malformed_),
                                  std::nullopt});
    }
    return std::move(layout_);
  }

 private:
  // Reads what the first pieces are together; returns how many these were.
  size_t take(std::span<const Piece> pieces) {
    const auto marker = [&](size_t i) { return i < pieces.size() ? pieces[i].marker : Marker::none; };
    // A marker that is left over from a tag must not make a label of the text up to the next one.
    const bool labelled =
        marker(0) == Marker::ref && marker(1) == Marker::ref_end && pieces[0].text.size() <= longest_label &&
        trimmed(pieces[0].text).find_first_of(inside_table() ? "<\n" : "\n") == std::string_view::npos;
    if (labelled && !inside_table()) {
      begin_block(trimmed(pieces[0].text));
      if (marker(2) == Marker::det && is_blank(pieces[1].text)) return 2 + take_boxes(pieces.subspan(2));
      ++malformed_;
      add_text(pieces[1].text);
      return 2;
    }
    if (labelled && marker(2) == Marker::det && is_blank(pieces[1].text) && marker(3) == Marker::det_end) {
      ++malformed_;  // the cell goes on behind the tag
      take_boxes(pieces.subspan(2), false);
      return 4;
    }
    if (marker(0) == Marker::det) {
      const bool more = in_block_ && !block_.raw_boxes.empty() && !has_text_;
      const bool belongs = in_block_ && !has_text_;
      if (!more) ++malformed_;
      if (inside_table()) return take_boxes(pieces, false);
      if (!belongs) begin_block({});
      return take_boxes(pieces);
    }
    if (marker(0) != Marker::none) ++malformed_;
    add_text(pieces[0].text);
    return 1;
  }

  // From <|det|> on, for the block that is open; returns how many pieces were taken.
  size_t take_boxes(std::span<const Piece> pieces, bool keep = true) {
    const bool closed = pieces.size() > 1 && pieces[1].marker == Marker::det_end;
    // Coordinates of a tag that does not end stand in its first line.
    const std::string_view body = pieces[0].text;
    const Coordinates found = read_coordinates(closed ? body : body.substr(0, body.find('\n')));
    const std::string_view rest = body.substr(found.length);
    const bool coordinates = found.brackets || (closed && found.whole && !found.boxes.empty() && is_blank(rest));
    if (!closed || !found.whole || found.boxes.empty() || !is_blank(rest)) ++malformed_;
    if (coordinates && keep) block_.raw_boxes.insert(block_.raw_boxes.end(), found.boxes.begin(), found.boxes.end());
    add_text(coordinates ? rest : body);
    if (!closed) return 1;
    add_text(pieces[1].text);
    return 2;
  }

  // Whether the next tag stands within a cell: in a line that a table has begun and not ended.
  bool inside_table() const { return open_tables_ > 0 && !text_.empty() && text_.back() != '\n'; }

  void begin_block(std::string_view label) {
    end_block();
    block_.label = valid_utf8(label);
    in_block_ = true;
  }

  void add_text(std::string_view text) {
    // Tables are counted where they begin and end; markers that stood between two pieces leave no trace.
    const size_t seen = text_.size() < 8 ? 0 : text_.size() - 8;
    const size_t before = text_.size();
    text_ += text;
    for (size_t at = text_.find('<', seen); at != std::string::npos; at = text_.find('<', at + 1)) {
      const std::string_view rest = std::string_view(text_).substr(at);
      if (rest.starts_with("<table") && at + 6 > before) ++open_tables_;
      if (rest.starts_with("</table>") && at + 8 > before) open_tables_ = std::max(0, open_tables_ - 1);
    }
    if (!has_text_ && !is_blank(text)) in_block_ = has_text_ = true;
  }

  void end_block() {
    if (in_block_) {
      block_.text = valid_utf8(without_margins(text_, block_.label == "code"));
      for (const auto& raw : block_.raw_boxes) block_.boxes.push_back(on_page(raw));
      const bool empty = block_.label.empty() && block_.text.empty() && block_.boxes.empty();
      if (!empty) layout_.blocks.push_back(std::move(block_));
    }
    block_ = {};
    text_.clear();
    open_tables_ = 0;
    in_block_ = has_text_ = false;
  }

  Box on_page(const std::array<int, 4>& raw) const {
    const auto [left, right] = range(raw[0], raw[2], width_);
    const auto [top, bottom] = range(raw[1], raw[3], height_);
    return {left, top, right, bottom};
  }

  // To a hundredth of a pixel.
  static std::pair<double, double> range(int a, int b, int size) {
    const auto pixels = [&](int value) { return std::round(value * 100.0 / layout_scale * size) / 100; };
    double low = std::clamp<double>(pixels(std::min(a, b)), 0, size);
    double high = std::clamp<double>(pixels(std::max(a, b)), 0, size);
    if (high - low < 1) {
      low = std::clamp<double>((low + high - 1) / 2, 0, size - 1);
      high = low + 1;
    }
    return {low, high};
  }

  void take_labels_for_text() {
    auto& blocks = layout_.blocks;
    if (std::ranges::any_of(blocks, [](const Block& block) { return !block.text.empty(); })) return;
    if (std::ranges::all_of(blocks, [](const Block& block) { return is_layout_label(block.label); })) return;
    for (Block& block : blocks) block.text = block.label;
  }

  const int width_, height_;
  Layout layout_;
  Block block_;
  std::string text_;  // of the open block, as written
  int open_tables_ = 0;
  bool in_block_ = false, has_text_ = false;
  int malformed_ = 0;
};

}  // namespace

Layout parse_layout(std::string_view raw, int page_width, int page_height) {
  return Parser(page_width, page_height).parse(raw);
}

void lay_out(DocumentPage& page) {
  Layout layout = parse_layout(page.raw, page.width, page.height);
  page.blocks = std::move(layout.blocks);
  page.warnings.insert(page.warnings.end(), layout.warnings.begin(), layout.warnings.end());
}

}  // namespace lectern
