#include "layout/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/confidence.h"
#include "core/text.h"
#include "layout/labels.h"
#include "layout/layout_tags.h"
#include "layout/markup.h"
#include "layout/text/text_tree.h"

namespace lectern {
namespace {

// Without the white space around it; code keeps the indentation of its first line.
std::string_view without_margins(std::string_view text, bool keep_indentation) {
  const std::string_view inner = trimmed(text);
  if (!keep_indentation || inner.empty()) return inner;
  const char* start = inner.data();
  while (start != text.data() && (start[-1] == ' ' || start[-1] == '\t')) --start;
  const bool own_line = start != text.data() && start[-1] == '\n';
  return own_line ? std::string_view(start, static_cast<size_t>(inner.data() + inner.size() - start)) : inner;
}

class Parser {
 public:
  Parser(int page_width, int page_height, std::span<const float> scores)
      : width_(std::max(page_width, 1)), height_(std::max(page_height, 1)), scores_(scores) {}

  Layout parse(std::string_view raw) {
    raw_ = raw;
    const std::vector<TagPiece> pieces = split_at_markers(raw);
    for (size_t i = 0; i < pieces.size();) i += take(std::span(pieces).subspan(i));
    end_block();
    take_labels_for_text();
    if (malformed_ > 0) {
      layout_.warnings.push_back({WarningCode::malformed_tag,
                                  malformed_ == 1
                                      ? "one layout tag is malformed; its text is kept"
                                      : fmt::format("{} layout tags are malformed; their text is kept", malformed_),
                                  std::nullopt});
    }
    return std::move(layout_);
  }

 private:
  // Reads what the first pieces are together; returns how many these were.
  size_t take(std::span<const TagPiece> pieces) {
    const auto marker = [&](size_t i) { return i < pieces.size() ? pieces[i].marker : Marker::none; };
    // A marker that is left over from a tag must not make a label of the text up to the next one.
    const bool labelled =
        marker(0) == Marker::ref && marker(1) == Marker::ref_end && pieces[0].text.size() <= max_label_size &&
        trimmed(pieces[0].text).find_first_of(inside_table() ? "<\n" : "\n") == std::string_view::npos;
    const bool boxed = labelled && marker(2) == Marker::det && is_blank(pieces[1].text) && marker(3) == Marker::det_end;
    if (boxed && stands_in_sentence(trimmed(pieces[0].text), pieces[3].text)) return take_words(pieces);
    if (labelled && !inside_table()) {
      begin_block(trimmed(pieces[0].text));
      if (marker(2) == Marker::det && is_blank(pieces[1].text)) return 2 + take_boxes(pieces.subspan(2));
      ++malformed_;
      add_text(pieces[1].text);
      return 2;
    }
    if (boxed) {
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
  size_t take_boxes(std::span<const TagPiece> pieces, bool keep = true) {
    const bool closed = pieces.size() > 1 && pieces[1].marker == Marker::det_end;
    // Coordinates of a tag that does not end stand in its first line.
    const std::string_view body = pieces[0].text;
    const Coordinates found = read_coordinates(closed ? body : body.substr(0, body.find('\n')));
    const std::string_view rest = body.substr(found.length);
    const bool coordinates = found.brackets || (closed && found.whole && !found.boxes.empty() && is_blank(rest));
    if (!closed || !found.whole || found.boxes.empty() || !is_blank(rest) || !on_scale(found)) ++malformed_;
    if (coordinates && keep) block_.raw_boxes.insert(block_.raw_boxes.end(), found.boxes.begin(), found.boxes.end());
    add_text(coordinates ? rest : body);
    if (!closed) return 1;
    add_text(pieces[1].text);
    return 2;
  }

  // Numbers beyond the scale are put at the edge of the page.
  static bool on_scale(const Coordinates& found) {
    return std::ranges::all_of(found.boxes, [](const std::array<int, 4>& box) {
      const auto [low, high] = std::ranges::minmax(box);
      return low >= 0 && high <= layout_scale + 1;
    });
  }

  // Whether a tag is part of a sentence or of a cell: words that are no label of a layout, behind text of the same line
  // or before the rest of it.
  bool stands_in_sentence(std::string_view words, std::string_view behind) const {
    if (is_layout_label(words)) return false;
    const auto before = std::find_if(text_.rbegin(), text_.rend(), [](char c) { return c == '\n' || !is_space(c); });
    const std::string_view rest = behind.substr(0, behind.find('\n'));
    const bool goes_on =
        !is_blank(rest) && (is_space(rest.front()) || std::ispunct(static_cast<unsigned char>(rest[0])));
    return (before != text_.rend() && *before != '\n') || inside_table() || goes_on;
  }

  // The four pieces of a tag within a sentence, and the text behind it.
  size_t take_words(std::span<const TagPiece> pieces) {
    const Coordinates found = read_coordinates(pieces[2].text);
    const std::string_view rest = pieces[2].text.substr(found.length);
    if (!found.whole || found.boxes.empty() || !is_blank(rest)) ++malformed_;
    TextSpan span;
    span.begin = text_.size();
    add_text(trimmed(pieces[0].text));
    span.end = text_.size();
    span.raw_boxes = found.boxes;
    if (!found.brackets) add_text(pieces[2].text);
    if (found.brackets) add_text(rest);
    if (!found.boxes.empty()) block_.spans.push_back(std::move(span));
    add_text(pieces[3].text);
    return 4;
  }

  // Whether the next tag stands within a cell: in a line that a table has begun and not ended.
  bool inside_table() const { return open_tables_ > 0 && !text_.empty() && text_.back() != '\n'; }

  void begin_block(std::string_view label) {
    end_block();
    block_.label = valid_utf8(label);
    add_scores(label, label_words_);
    in_block_ = true;
  }

  // `bytes` are a part of raw_.
  void add_scores(std::string_view bytes, MeanConfidence& words) const {
    if (scores_.size() != raw_.size() || bytes.empty()) return;
    words.add_words(bytes, scores_.subspan(static_cast<size_t>(bytes.data() - raw_.data()), bytes.size()));
  }

  void add_text(std::string_view bytes) {
    add_scores(bytes, words_);
    const std::string text = valid_utf8(bytes);
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
      const std::string_view text = without_margins(text_, block_.kind() == BlockKind::code);
      const size_t margin = text.empty() ? 0 : static_cast<size_t>(text.data() - text_.data());
      block_.text = text;
      for (const auto& raw : block_.raw_boxes) block_.boxes.push_back(on_page(raw));
      for (TextSpan& span : block_.spans) {
        span.begin = std::clamp(span.begin, margin, margin + text.size()) - margin;
        span.end = std::clamp(span.end, margin, margin + text.size()) - margin;
        for (const auto& raw : span.raw_boxes) span.boxes.push_back(on_page(raw));
      }
      if (block_.kind() == BlockKind::table && !block_.boxes.empty() && is_figure(block_)) {
        layout_.warnings.push_back({WarningCode::empty_table, "nothing was read of a table", block_.boxes.front()});
      }
      block_.confidence = words_.value();
      const bool empty = block_.label.empty() && block_.text.empty() && block_.boxes.empty();
      if (!empty) {
        layout_.blocks.push_back(std::move(block_));
        labels_.push_back(label_words_.value());
      }
    }
    block_ = {};
    text_.clear();
    words_ = label_words_ = {};
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
    for (size_t i = 0; i < blocks.size(); ++i) {
      blocks[i].text = blocks[i].label;
      blocks[i].confidence = labels_[i];
    }
  }

  const int width_, height_;
  const std::span<const float> scores_;
  std::string_view raw_;
  Layout layout_;
  std::vector<std::optional<double>> labels_;  // confidence of the labels of its blocks
  Block block_;
  MeanConfidence words_, label_words_;  // of the open block
  std::string text_;                    // of the open block, as written
  int open_tables_ = 0;
  bool in_block_ = false, has_text_ = false;
  int malformed_ = 0;
};

}  // namespace

Layout parse_layout(std::string_view raw, int page_width, int page_height, std::span<const float> scores) {
  return Parser(page_width, page_height, scores).parse(raw);
}

void lay_out(Page& page) {
  std::vector<float> scores;
  if (!page.token_ends.empty()) scores = byte_scores(page.raw, page.token_ends, page.token_logprobs);
  Layout layout = parse_layout(page.raw, page.width, page.height, scores);
  page.blocks = std::move(layout.blocks);
  page.warnings.insert(page.warnings.end(), layout.warnings.begin(), layout.warnings.end());
}

}  // namespace lectern
