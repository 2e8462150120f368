// Detector of repetition, fed token by token: it finds that the tail of the text has become periodic.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/guard/periodicity.h"
#include "engine/guard/token_classes.h"

namespace lectern {

enum class LoopKind : uint8_t {
  same,     // the same tokens, a few of them changed now and then
  counter,  // the same but for numbers that grow by the same amount every time
  boxes,    // the same blocks with other coordinates
  numbers,  // the same words with any numbers
  stale,    // no fixed period, but nothing new any more
};

std::string_view name_of(LoopKind kind);

struct Loop {
  int64_t begin = 0;   // the token from which on everything had been written before: its first period stands there
  int64_t period = 0;  // in tokens; 0 for stale
  LoopKind kind = LoopKind::same;
};

// How many symbols (tokens, but a number or a run of digits is one) must agree with those a period before until it is
// a loop. A loop never ends by itself, so waiting only costs time, while a false alarm costs text: every limit lies
// above what pages are expected to hold.
struct LoopLimits {
  // A period with words_of_rich different words or more. Sheets of equal address labels: 30 of 25 tokens.
  int rich = 1000;
  int words_of_rich = 6;
  // Fewer words: equal cells ("0.00", "N/A", nothing), dot leaders, lines to be filled in, columns of one name.
  // 40 rows of 31 empty cells are 2,560 symbols, 40 rows of 12 cells "0.00" 2,480.
  int poor = 3000;
  // The same on one line or in one row of a table: 300 empty cells in a row, 600 times one word in a paragraph.
  int unbroken = 600;
  // Every repetition with the same box again: two blocks cannot lie at one place.
  int same_box = 400;
  // "1. ... 2. ..." with equal rich text: raffle tickets, 30 of 40 tokens. With poor text it is `poor`: 1 to 1000.
  int counter = 1500;
  // Blocks of one label in other places and the same text or none: 100 pictures on a page.
  int boxes = 2500;
  // Equal words with any numbers, in `lines_of_numbers` periods at least: no page has so many lines. Equal cells that
  // hold any numbers are an honest table however many there are.
  int numbers = 2500;
  int lines_of_numbers = 100;
  // Rich text in which every pair of neighbours was there among the last 400.
  int stale = 2000;
  // The same with few words or none, on one line: figures and signs in any order.
  int unbroken_stale = 1200;
  // Whatever the kind, a period comes as often as this. Forms are printed up to four times on a page.
  int repeats = 5;
};

// A value: copies are independent. Memory grows with the tokens that were pushed.
class RepetitionDetector {
 public:
  // `classes` must outlive it.
  explicit RepetitionDetector(const TokenClasses& classes, const LoopLimits& limits = {})
      : classes_(&classes), limits_(limits) {}

  void push(int32_t token);
  int64_t tokens() const { return tokens_; }

  // The loop that the tail is in; looked for every few tokens.
  const std::optional<Loop>& loop() const { return loop_; }

  // The same when the text was cut off, by the end of the context: half the evidence is enough.
  std::optional<Loop> loop_when_cut() const;

  // Number of tokens from the beginning that will not be taken back: a loop that is found later begins after them,
  // except for rare ones whose beginning cannot be foreseen. In ordinary text all but the last 50 or so.
  int64_t committed() const { return committed_; }

  // The symbols of a loop's period; empty for stale.
  std::vector<int32_t> pattern(const Loop& loop) const;
  // Neighbouring symbols, numbers with their values, as one value each, of those that begin in tokens `from` to `to`.
  std::vector<int64_t> pairs(int64_t from, int64_t to) const;
  // Its last `count` symbols, or all when it has fewer; a number that may go on included.
  std::vector<int32_t> last_symbols(size_t count) const;

  static constexpr int32_t number_symbol = -1;  // of any number; other symbols are tokens

 private:
  struct Symbol {
    int32_t id = 0;
    int32_t token = 0;  // its first
    int64_t value = 0;  // of a number, as far as it fits
    bool letters = false;
    bool in_box = false;
    bool line_end = false;
  };
  static int32_t same_symbol(const Symbol& symbol);
  void close_number();
  void add(const Symbol& symbol);
  void look();
  std::span<const Symbol> period(
      const Periodicity::Peak& peak) const;  // its first that agrees; what follows may be no loop
  bool is_rich(const Periodicity::Peak& peak) const;
  Loop loop_of(const Periodicity::Peak& peak, LoopKind kind) const;
  struct Judgement {
    LoopKind kind = LoopKind::same;
    int64_t needed = 0;  // score that makes it a loop; none when it never does
  };
  Judgement judge_same(const Periodicity::Peak& peak) const;
  Judgement judge_alike(const Periodicity::Peak& peak) const;
  Judgement judge_stale(const Periodicity::Peak& peak) const;
  std::optional<Loop> find(int64_t parts) const;  // with 1 / parts of the evidence

  const TokenClasses* classes_;
  LoopLimits limits_;
  std::vector<Symbol> symbols_;
  Periodicity same_;   // a number agrees with its like
  Periodicity alike_;  // all numbers agree
  int64_t tokens_ = 0;
  std::optional<Symbol> number_;  // that may go on
  int digits_ = 0;                // tokens of it
  bool in_box_ = false;
  int64_t line_begin_ = 0;  // the symbol after the last line end
  std::optional<Loop> loop_;
  int64_t committed_ = 0;
};

}  // namespace lectern
