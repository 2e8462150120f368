// Scheduler of steps: which sequences take part, with how many rows. Sequences are admitted in order of arrival, once
// the cache has room for their prompt; further pages are taken on demand. When none is left the youngest sequence is
// preempted and goes on later: the oldest goes on in every step, and nobody runs who is younger than one that waits.
//
// In a step every decoding sequence gets one row; in addition the oldest sequence that is not decoding yet gets one
// piece of encoding or one chunk of prefill. So the time between two tokens grows by at most one piece or chunk. While
// no sequence is decoding, prefill chunks are large.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/sequence.h"

namespace lectern {

struct SchedulerLimits {
  int sequences = 1;                 // in flight
  int64_t prompt_rows = 1024;        // of a step in which no sequence decodes
  int64_t prompt_rows_beside = 128;  // of one in which others decode
};

struct StepPlan {
  struct Rows {
    Sequence* sequence = nullptr;
    int64_t count = 0;
  };
  std::vector<Rows> rows;      // of written tokens first, then of prompts
  int64_t written = 0;         // rows of written tokens
  Sequence* encode = nullptr;  // whose image gets a piece further
  bool alone = false;          // no sequence decodes
};

class Scheduler {
 public:
  // `pool` must outlive it.
  Scheduler(PagePool& pool, const SchedulerLimits& limits) : pool_(pool), limits_(limits) {}

  // Positions of one sequence that the pool can hold.
  int64_t capacity() const { return static_cast<int64_t>(pool_.pages()) * pool_.page_tokens(); }

  // Its max_positions must be within the capacity. The ids of sequences grow from call to call.
  void add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }
  // Admits, preempts and shares out the next step. Every sequence in it has the pages for its rows.
  StepPlan plan();
  // Forgets the finished ones, whose pages go back.
  void remove_finished();
  void clear();

  bool idle() const { return waiting_.empty() && running_.empty(); }
  const std::deque<std::unique_ptr<Sequence>>& waiting() const { return waiting_; }
  const std::vector<std::unique_ptr<Sequence>>& running() const { return running_; }
  int64_t preemptions() const { return preemptions_; }

 private:
  bool has_room(const Sequence& next) const;
  void admit();
  int64_t headroom() const;
  bool grow(Sequence& sequence);
  void preempt(size_t index);
  void plan_writers(StepPlan& plan);
  void plan_others(StepPlan& plan);

  PagePool& pool_;
  SchedulerLimits limits_;
  std::deque<std::unique_ptr<Sequence>> waiting_;   // by id
  std::vector<std::unique_ptr<Sequence>> running_;  // by id
  int64_t preemptions_ = 0;
};

}  // namespace lectern
