// A request in flight: its tokens, its pages of the KV cache, its repetition guard and stop strings.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/model_runner.h"
#include "engine/request.h"
#include "lectern/error.h"

namespace lectern {

// Thrown where no logit of a row is a number.
class NotANumber : public Error {
 public:
  NotANumber()
      : Error("the model's output is not a number; its weights are damaged or not those of DeepSeek-OCR",
              ErrorCode::corrupt_input) {}
};

class Sequence {
 public:
  // `budget`: tokens that it may write. `window`: of them those that one sees, itself among them; 0: all.
  Sequence(RequestId id, Request request, PagePool& pool, int64_t budget, int64_t window = 0);

  // What it needs next. Its rows are those of ids that are not in the cache: of the prompt up to its end, then, in
  // calls of their own, those that the model wrote. After a preemption these are several, which are made again as they
  // were made.
  bool needs_encoding() const { return request.views != nullptr; }
  int64_t prompt_tokens() const { return static_cast<int64_t>(request.prompt.size()); }
  int64_t written() const { return static_cast<int64_t>(ids.size()) - prompt_tokens(); }
  int64_t left() const { return static_cast<int64_t>(ids.size()) - cached; }
  bool in_prompt() const { return cached < prompt_tokens(); }
  int64_t rows_of_kind() const { return in_prompt() ? prompt_tokens() - cached : left(); }
  bool writes() const { return !needs_encoding() && !in_prompt() && left() == 1; }
  int64_t max_positions() const { return prompt_tokens() + budget; }
  std::span<const int32_t> text() const { return std::span(ids).subspan(request.prompt.size()); }

  // Maximum number of pages that it may hold, and the number that it needs until it writes.
  int64_t max_pages() const;
  int64_t pages_to_start() const;
  static int64_t max_pages(const PagePool& pool, const Request& request, int64_t budget, int64_t window);
  // Takes the pages for the next `rows`; false if the pool has too few. Pages that nothing attends to any more are
  // given back first. Of rows that are recomputed, `rows` becomes as many as fit.
  bool reserve(int64_t& rows);
  // Whether it went back so far that rows are missing that later ones attend to.
  bool lacks_rows() const { return lacks_rows_; }

  // The next `rows` of it.
  BatchEntry entry(int64_t rows) const;
  // Returns its pages; its rows will be recomputed.
  void preempt();

  // Result of taking a token.
  struct Outcome {
    std::optional<LoopReport> loop;
    std::optional<Finish> finish;
    size_t cut_bytes = 0;
  };
  // Takes the next token, or draws another where the request has a temperature. Throws Error when the logits were no
  // numbers.
  Outcome choose(const NextToken& next, std::span<const int32_t> end_tokens);
  // Tokens that will not be taken back, each handed out once. `all`: the sequence has finished.
  std::vector<Token> take_committed(bool all);

  const RequestId id;
  Request request;
  SequencePages pages;
  std::vector<int32_t> ids;  // the prompt and what was written
  int64_t budget;
  int64_t cached = 0;  // ids in the cache
  std::unique_ptr<Encoding> encoding;
  TensorView image;           // its rows, when it is encoded
  double encode_seconds = 0;  // so far
  bool started = false;       // its event was sent
  bool finished = false;
  bool cancelled = false;

 private:
  std::vector<int32_t> banned() const;
  void resize(int64_t tokens);
  int64_t first_seen(int64_t position) const;
  void retire();
  bool cut_off(const Loop& loop, Outcome& outcome);

  PagePool& pool_;
  int64_t window_;
  int64_t retired_to_ = 0;  // rows after the prompt and before this position are gone
  bool lacks_rows_ = false;
  std::vector<Token> chosen_;  // one for each written token
  int64_t committed_ = 0;      // number of them that were handed out
  std::optional<SequenceGuard> guard_;
  std::optional<StopSearch> stop_;
};

}  // namespace lectern
