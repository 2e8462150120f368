// The enumerations of the public headers, and their names: those of the command line, of JSON and of journals.
//
//   lectern::name_of(lectern::Mode::gundam)      "gundam"
//   lectern::named<lectern::Format>("md")        Format::markdown; nullopt for an unknown name
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace lectern {

// How a page is shown to the model.
enum class Mode : uint8_t {
  automatic,  // gundam for a model trained at 1024 pixels, lines for one trained on rows of text, else native
  tiny,       // one view of 512, 640, 1024 or 1280 pixels a side
  small,
  base,
  large,
  gundam,  // a view of the whole page, and tiles of it at a higher resolution
  native,  // one view at the model's own size
  lines,   // line by line; block by block for a model that was not trained on rows of text
};

// How weights are kept and multiplied.
enum class Weights : uint8_t {
  automatic,  // as the model was packed, else the default of the device
  f32,        // exact products of the checkpoint's values
  bf16,
  q8,  // blocks of 8 or 4 bits with a scale
  q4,
};

// What pages are written as.
enum class Format : uint8_t { markdown, text, json, html, hocr, pdf, boxes, raw };

// Why the reading of a page ended.
enum class Finish : uint8_t {
  end,          // everything was read
  length,       // ReadOptions::max_tokens were written
  context,      // the model's context was used up
  stopped,      // cancelled
  loop,         // the model repeated itself in spite of retries; the repetition was dropped
  stop_string,  // it wrote what it was to stop at
  deadline,     // the time ran out
  blank,        // there is nothing on it; no model was asked
  kept,         // a PDF page with text that goes into a new PDF unchanged; no model was asked
  failed,       // Page::error says why
};

// Kind of a block of a page.
enum class BlockKind : uint8_t {
  text,
  title,
  sub_title,
  list,
  table,
  image,
  equation,
  code,
  caption,
  footnote,
  header,
  footer,
  page_number,
};

// Subject of a warning.
enum class WarningCode : uint8_t {
  damaged_input,  // some of the page may be missing from its picture
  not_read,       // the file holds more than its pages, which was ignored
  stretched,      // the picture's pixels were not square
  on_black,       // transparent places were made black
  uncovered_ink,  // what looks like text is in no block
  nothing_read,   // no text was read although there is ink, or the page is not visible at all
  little_read,    // much less text was read than there seems to be
  doubtful,       // the text is likely to be wrong
  malformed_tag,  // the model wrote a layout tag wrongly; no text is lost
  empty_table,
  repetition,  // the model repeated itself; Page::guard says how often
  cut_short,   // the limit of tokens, or of the model's context
  no_picture,  // a page read elsewhere came without its picture
  failed,      // the page could not be read
};

// Remedy for a page on which the model repeated itself.
enum class Retry : uint8_t {
  none,
  continued,  // the repetition was dropped, and the model went on
  tiles,      // the page was read again, cut into tiles
  halves,     // in two halves
  blocks,     // block by block
};

// In the order of the enumerators.
template <class Enum>
inline constexpr std::array<std::string_view, 0> names{};
template <>
inline constexpr std::array<std::string_view, 8> names<Mode>{"auto",  "tiny",   "small",  "base",
                                                             "large", "gundam", "native", "lines"};
template <>
inline constexpr std::array<std::string_view, 5> names<Weights>{"auto", "f32", "bf16", "q8", "q4"};
template <>
inline constexpr std::array<std::string_view, 8> names<Format>{"md",   "txt", "json",  "html",
                                                               "hocr", "pdf", "boxes", "raw"};
template <>
inline constexpr std::array<std::string_view, 10> names<Finish>{
    "end", "length", "context", "stopped", "loop", "stop_string", "deadline", "blank", "kept", "failed"};
template <>
inline constexpr std::array<std::string_view, 13> names<BlockKind>{
    "text", "title",   "sub_title", "list",   "table",  "image",      "equation",
    "code", "caption", "footnote",  "header", "footer", "page_number"};
template <>
inline constexpr std::array<std::string_view, 14> names<WarningCode>{
    "damaged_input", "not_read",      "stretched",   "on_black",   "uncovered_ink", "nothing_read", "little_read",
    "doubtful",      "malformed_tag", "empty_table", "repetition", "cut_short",     "no_picture",   "failed"};
template <>
inline constexpr std::array<std::string_view, 5> names<Retry>{"", "continued", "tiles", "halves", "blocks"};

template <class Enum, class = std::enable_if_t<!names<Enum>.empty()>>
constexpr std::string_view name_of(Enum value) {
  return names<Enum>[static_cast<std::size_t>(value)];
}

// Empty for nullopt.
template <class Enum, class = std::enable_if_t<!names<Enum>.empty()>>
constexpr std::string_view name_of(std::optional<Enum> value) {
  return value ? name_of(*value) : std::string_view();
}

// The value of that name; nullopt for an unknown name.
template <class Enum, class = std::enable_if_t<!names<Enum>.empty()>>
constexpr std::optional<Enum> named(std::string_view name) {
  for (std::size_t i = 0; i < names<Enum>.size(); ++i) {
    if (names<Enum>[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace lectern
