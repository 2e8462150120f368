#include "engine/scheduler.h"

#include <algorithm>

#include "core/log.h"

namespace lectern {

// Pages that those in flight will soon ask for: one each, where one may need more than it has.
int64_t Scheduler::headroom() const {
  return std::ranges::count_if(running_,
                               [&](const auto& sequence) { return sequence->max_pages() > sequence->pages.held(); });
}

bool Scheduler::has_room(const Sequence& next) const {
  return static_cast<int>(running_.size()) < limits_.sequences &&
         next.pages_to_start() + headroom() <= pool_.free_pages();
}

void Scheduler::admit() {
  while (!waiting_.empty()) {
    Sequence& next = *waiting_.front();
    // One that has to read its prompt again may be older than others that run.
    while (!has_room(next) && !running_.empty() && running_.back()->id > next.id) preempt(running_.size() - 1);
    if (!has_room(next) || !next.pages.take_spare(next.pages_to_start())) return;
    const auto place = std::ranges::upper_bound(running_, next.id, {}, [](const auto& other) { return other->id; });
    running_.insert(place, std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// Gives a sequence the page for its next row; if no page is free, the youngest is preempted. False if that was itself.
bool Scheduler::grow(Sequence& sequence) {
  int64_t row = 1;
  while (!sequence.reserve(row)) {
    const bool itself = running_.back().get() == &sequence;
    preempt(running_.size() - 1);
    if (itself) return false;
  }
  return true;
}

void Scheduler::preempt(size_t index) {
  std::unique_ptr<Sequence> sequence = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  sequence->preempt();
  ++preemptions_;
  log_debug("sequence.preempted", {{"request", sequence->id}, {"written", sequence->written()}});
  const auto place = std::ranges::lower_bound(waiting_, sequence->id, {}, [](const auto& other) { return other->id; });
  waiting_.insert(place, std::move(sequence));
}

void Scheduler::plan_writers(StepPlan& plan) {
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence* const sequence = running_[i].get();
    if (!sequence->writes()) continue;
    if (!grow(*sequence)) break;  // it was the youngest
    plan.rows.push_back({sequence, 1});
  }
  plan.written = static_cast<int64_t>(plan.rows.size());
}

void Scheduler::plan_others(StepPlan& plan) {
  const int64_t limit = plan.alone ? limits_.prompt_rows : limits_.prompt_rows_beside;
  int64_t left = limit;
  std::vector<StepPlan::Rows> prompts;
  for (const auto& sequence : running_) {
    if (left == 0) break;
    if (sequence->needs_encoding()) {
      if (plan.encode == nullptr && (plan.alone || left == limit)) plan.encode = sequence.get();
      if (!plan.alone && left == limit) break;
    } else if (!sequence->writes()) {
      int64_t count = std::min(sequence->rows_of_kind(), left);
      sequence->reserve(count);  // never fails: its pages were taken when it was admitted
      left -= count;
      if (sequence->in_prompt()) {
        prompts.push_back({sequence.get(), count});
      } else {  // written before a preemption
        plan.rows.push_back({sequence.get(), count});
        plan.written += count;
      }
    }
  }
  plan.rows.insert(plan.rows.end(), prompts.begin(), prompts.end());
}

StepPlan Scheduler::plan() {
  for (size_t i = running_.size(); i-- > 0;) {
    if (running_[i]->lacks_rows()) preempt(i);
  }
  admit();
  StepPlan plan;
  plan_writers(plan);
  plan.alone = plan.rows.empty();
  plan_others(plan);
  return plan;
}

void Scheduler::remove_finished() {
  std::erase_if(waiting_, [](const auto& sequence) { return sequence->finished; });
  std::erase_if(running_, [](const auto& sequence) { return sequence->finished; });
}

void Scheduler::clear() {
  waiting_.clear();
  running_.clear();
}

}  // namespace lectern
