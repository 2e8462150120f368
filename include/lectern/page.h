// Result of reading a page: blocks with their boxes, statistics and warnings.
//
// These are value types: copies are independent, and each thread may use its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lectern/enums.h"
#include "lectern/error.h"
#include "lectern/export.h"

namespace lectern {

// In pixels of the page as displayed (upright), from its top left corner; right and bottom are exclusive.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

// Part of a block's text with boxes of its own, as in grounded descriptions of a picture.
struct TextSpan {
  std::size_t begin = 0;  // in bytes of the text
  std::size_t end = 0;
  std::vector<Box> boxes;  // as Block::boxes
  std::vector<std::array<int, 4>> raw_boxes;
};

// Confidence, 0 to 1: of a word how likely it is right, the product of the probabilities of its tokens; of a line, a
// block and a page the mean of that of their words. None where the text came from elsewhere or there are no words.
// docs/formats.md says for which models it was measured.

// A word and a line as measured on the page (Mode::lines).
struct PageWord {
  Box box;
  std::string text;
  std::optional<double> confidence{};
};
struct PageLine {
  Box box;
  std::string text;
  std::vector<PageWord> words;
  std::optional<double> confidence{};
};

// A block as the model wrote it: <|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|> and the text behind it.
struct LECTERN_EXPORT Block {
  std::string label;                          // in the model's words; empty for text outside all tags
  std::vector<Box> boxes;                     // clamped to the page, left < right and top < bottom; may be empty
  std::vector<std::array<int, 4>> raw_boxes;  // as written, on the model's scale of 0 to 999
  std::string text;                           // UTF-8 with the model's markup, trimmed; may be empty
  std::vector<TextSpan> spans{};              // in order; they do not overlap
  std::vector<PageLine> lines{};              // from the top; empty where they were not measured
  std::optional<double> confidence{};

  // The kind that the label stands for; text for an unknown label.
  BlockKind kind() const;
};

// A remark for whoever uses the result.
struct Warning {
  WarningCode code = WarningCode::damaged_input;
  std::string message;  // for people
  std::optional<Box> box;
};

// Actions of the repetition guard on a page.
struct GuardReport {
  int loops = 0;               // found
  bool recovered = false;      // the text ended normally; false with loops > 0: text may be missing
  Retry action = Retry::none;  // the last that was taken
  int64_t dropped = 0;         // tokens of the loops
};

// Tokens and times of reading.
struct LECTERN_EXPORT PageStats {
  int64_t vision_tokens = 0;
  int64_t prompt_tokens = 0;  // vision tokens included
  int64_t tokens = 0;         // written, without those of loops
  double render_seconds = 0, encode_seconds = 0, prefill_seconds = 0, decode_seconds = 0;

  PageStats& operator+=(const PageStats& other);
};

struct LECTERN_EXPORT Page {
  int number = 0;  // within its file, from 1
  int width = 0;   // of the page as displayed, in pixels
  int height = 0;
  double dpi = 0;  // of the rendered PDF page, or as stored in the picture; 0: unknown
  int turn = 0;    // rotation from the stored to the upright page: degrees clockwise, 0 to 270

  std::string raw;  // what the model wrote, byte for byte
  std::vector<Block> blocks;
  std::string error;                                   // why the page could not be read; empty: it was read
  ErrorCode error_code = ErrorCode::invalid_argument;  // of the error
  std::optional<Finish> finish{};                      // nothing where another program read the page
  std::optional<Mode> mode{};                          // as used; nothing where no model was asked
  bool blank = false;                                  // nothing on it; no model was asked

  bool of_pdf = false;  // drawn from a PDF; known before it is read

  // Set when a PDF is made of a PDF: the page has text that stays. It is then kept unread, unless another output format
  // needs its text.
  bool has_text = false;

  PageStats stats;
  GuardReport guard;
  std::vector<Warning> warnings;
  // Natural log-probabilities of the written tokens; only with ReadOptions::logprobs.
  std::vector<float> token_logprobs;
  // End of each of these tokens as an offset in `raw`; empty if the page was read in parts.
  std::vector<std::size_t> token_ends;
  std::optional<double> confidence;

  // Plain text of the blocks in UTF-8: a blank line between blocks, tabs between table cells, no markup. render() gives
  // other formats.
  std::string text() const;
};

// Facts common to all pages of a document.
struct DocumentInfo {
  std::string source;                // the input as given
  int pages = 0;                     // of the file, whether they were chosen or not
  std::string version;               // of Lectern
  std::string model;                 // folder
  std::optional<Weights> weights{};  // as used
  std::string device;
  std::string prompt;                // name or text, as given
  std::vector<std::string> lowered;  // operators that were replaced because the device lacks them
};

}  // namespace lectern
