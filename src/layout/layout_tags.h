// Lexer of what a model writes: layout tags in every spelling of the DeepSeek-OCR family, and the text between them.
//
//   <|ref|>title<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|>    as the models write it
//   <|ref|>title<|/ref|>[[x1, y1, x2, y2]]
//   <|det|>title [x1, y1, x2, y2]<|/det|>                    as Unlimited-OCR writes it
//   title[[x1, y1, x2, y2]]                                  at the start of a line, from servers that drop special
//   tokens title [x1, y1, x2, y2]
//
// All become the first spelling. Other special tokens, <|name|> and <｜name｜>, and a prompt that was sent back before
// the answer leave no trace.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lectern {

inline constexpr int layout_scale = 999;             // the largest coordinate that the models write
inline constexpr std::size_t max_label_size = 1000;  // bytes; what goes on for longer is text

enum class Marker { none, ref, ref_end, det, det_end };

// A marker and what stands between it and the next one.
struct TagPiece {
  Marker marker;
  std::string_view text;  // of the input, which must outlive it
};

// The first piece has no marker.
std::vector<TagPiece> split_at_markers(std::string_view raw);

struct Coordinates {
  std::vector<std::array<int, 4>> boxes;
  std::size_t length = 0;  // bytes of the text that they take, from its beginning
  bool brackets = false;   // they begin as coordinates do
  bool whole = true;       // brackets and numbers are as they should be
};

// Digits, brackets and what stands between them, up to where the outermost bracket closes or something else begins, as
// in "4e2" or "nan". Every four numbers of one list are a box, unless the list ends in such a word.
Coordinates read_coordinates(std::string_view text);

// The text with the boxes of its tags moved, for instance from a part of a page to the whole; all else byte for byte.
std::string with_moved_boxes(std::string_view raw,
                             const std::function<std::array<int, 4>(const std::array<int, 4>&)>& move);

// Bytes of the special token, <|name|> or <｜name｜>, that the text begins with; 0 where it begins with none.
std::size_t special_token_length(std::string_view text);

// Bytes of the prompt that the text begins with when a server sent it back.
std::size_t prompt_echo_length(std::string_view raw);

}  // namespace lectern
