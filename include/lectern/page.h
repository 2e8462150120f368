// What was read of a page: blocks with their places, and what happened on the way.
//
// All of it is values: copies are independent, and any thread may use its own.
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

// Words within a block's text that have boxes of their own, as grounded descriptions of a picture have.
struct TextSpan {
  std::size_t begin = 0;  // in bytes of the text
  std::size_t end = 0;
  std::vector<Box> boxes;  // as those of a block
  std::vector<std::array<int, 4>> raw_boxes;
};

// Confidence, 0 to 1: of a word how likely it is right, the product of the probabilities of its tokens; of a line, a
// block and a page the mean of that of their words. None where the text came from elsewhere or there are no words.
// docs/formats.md says for which models it was measured.

// A word and a line as they were found on the page, where lines were measured (Mode::lines).
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
  std::string label;                          // the model's own word; empty for text that stands outside every tag
  std::vector<Box> boxes;                     // clamped to the page, left < right and top < bottom; may be empty
  std::vector<std::array<int, 4>> raw_boxes;  // as written, on the model's scale of 0 to 999
  std::string text;                           // UTF-8 with the model's markup, trimmed; may be empty
  std::vector<TextSpan> spans{};              // in order; they do not overlap
  std::vector<PageLine> lines{};              // from the top; empty where they were not measured
  std::optional<double> confidence{};

  // What the label means; text for one that is not known.
  BlockKind kind() const;
};

// Something the reader of the result should know.
struct Warning {
  WarningCode code = WarningCode::damaged_input;
  std::string message;  // for people
  std::optional<Box> box;
};

// What the repetition guard did on a page.
struct GuardReport {
  int loops = 0;               // found
  bool recovered = false;      // the text ends as it should; false with loops > 0: something may be missing
  Retry action = Retry::none;  // the last that was taken
  int64_t dropped = 0;         // tokens of the loops
};

// What reading took.
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
  double dpi = 0;  // that a PDF page was rendered at, or that a picture says of itself; 0: it says nothing
  int turn = 0;    // degrees clockwise, 0 to 270, by which the stored page was turned to stand upright

  std::string raw;  // what the model wrote, byte for byte
  std::vector<Block> blocks;
  std::string error;                                   // not empty: the page could not be read, and why
  ErrorCode error_code = ErrorCode::invalid_argument;  // of the error
  std::optional<Finish> finish{};                      // nothing where another program read the page
  std::optional<Mode> mode{};                          // as used; nothing where no model was asked
  bool blank = false;                                  // nothing on it; no model was asked

  bool of_pdf = false;  // drawn from a PDF; known before it is read

  // Of a PDF, told when one is made of it: it has text that stays. Where nothing else needs it, it is kept and not
  // read.
  bool has_text = false;

  PageStats stats;
  GuardReport guard;
  std::vector<Warning> warnings;
  // Natural, of every token written; only where ReadOptions asks for them, and empty where nothing was written.
  std::vector<float> token_logprobs;
  // Bytes of `raw` up to the end of each of these tokens; empty where the page was not read as a whole.
  std::vector<std::size_t> token_ends;
  std::optional<double> confidence;

  // The text of the blocks as people read it, UTF-8: a blank line between blocks, tabs between the cells of a table, no
  // markup. render() gives other formats.
  std::string text() const;
};

// The same for every page of a document.
struct DocumentInfo {
  std::string source;                // the input as it was named
  int pages = 0;                     // of the file; more than were read when some were chosen
  std::string version;               // of Lectern
  std::string model;                 // folder
  std::optional<Weights> weights{};  // as used
  std::string device;
  std::string prompt;                // name or text, as given
  std::vector<std::string> lowered;  // operators that the device lacks and that were replaced
};

}  // namespace lectern
