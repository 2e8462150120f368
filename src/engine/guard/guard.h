// The repetition guard of one sequence: finds its loops, and forbids the tokens that lead back into one that was cut
// off.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/guard/repetition.h"

namespace lectern {

struct Guard {
  const TokenClasses* classes = nullptr;  // kept by the caller until the request has finished; none: no guard
  LoopLimits limits;
  int retries = 3;  // in all: a loop is cut off, and the model goes on without the token that led into it
  // Of a model that sees a window of its text: tokens before it whose rows are kept, so that it can go back to them.
  // When it goes back farther, the page and what was written are read again.
  int64_t kept = 1024;
};

// Report of a loop that the guard found and cut off.
struct LoopReport {
  Loop loop;
  int64_t dropped = 0;   // tokens
  bool retried = false;  // the model goes on; else the sequence has finished
};

class SequenceGuard {
 public:
  // guard.classes must not be null.
  explicit SequenceGuard(const Guard& guard) : guard_(guard), detector_(*guard.classes, guard.limits) {}

  // Adds the tokens that may not be written next, in no order.
  void ban(std::vector<int32_t>& banned) const;
  // `last`: the context holds no more, so that half the evidence is enough.
  std::optional<Loop> push(int32_t token, bool last);
  // Number of tokens that will hardly be taken back; see RepetitionDetector. After a loop it does not grow until the
  // text has left the loop.
  int64_t committed() const;

  // Where to cut the loop off: where it begins, or where it was cut off before when the text only came back to it.
  int64_t cut_for(const Loop& loop) const;
  // Drops the written tokens from `cut` on. True if the model may go on from there.
  bool cut_off(std::span<const int32_t> written, const Loop& loop, int64_t cut);

 private:
  struct Escape {
    std::vector<int32_t> pattern;  // of the loop, as symbols
    int64_t cut;
    int32_t first;               // symbol that was dropped
    std::vector<int64_t> pairs;  // of symbols that were dropped, sorted
  };
  // Whether the text of tokens `from` to `to` is of what was dropped before, whatever its order.
  bool is_known(int64_t from, int64_t to) const;
  void ban_symbol(int32_t symbol, std::vector<int32_t>& banned) const;

  Guard guard_;
  RepetitionDetector detector_;
  std::vector<Escape> escapes_;  // one for every retry
};

}  // namespace lectern
