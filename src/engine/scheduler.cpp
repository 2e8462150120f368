#include "engine/scheduler.h"

#include <algorithm>

#include "core/log.h"

namespace lectern {

// Pages that those in flight will soon ask for: one each, where one may need more than it has.
int64_t Scheduler::headroom() const {
  return std::ranges::count_if(running_, [&](const auto& sequence) {
    return pool_.pages_for(sequence->max_positions()) > static_cast<int64_t>(sequence->pages.pages().size());
  });
}

void Scheduler::admit() {
  while (!waiting_.empty() && static_cast<int>(running_.size()) < limits_.sequences) {
    Sequence& next = *waiting_.front();
    const int64_t positions = std::min(static_cast<int64_t>(next.ids.size()) + 1, next.max_positions());
    if (pool_.pages_for(positions) + headroom() > pool_.free_pages() || !next.pages.reserve(positions)) return;
    const auto place = std::ranges::upper_bound(running_, next.id, {}, [](const auto& other) { return other->id; });
    running_.insert(place, std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// Gives a sequence the page for its next row, of the youngest if there is none free. Whether it is still in flight.
bool Scheduler::grow(Sequence& sequence) {
  while (!sequence.pages.reserve(sequence.cached + 1)) {
    const bool itself = running_.back().get() == &sequence;
    preempt_youngest();
    if (itself) return false;
  }
  return true;
}

void Scheduler::preempt_youngest() {
  std::unique_ptr<Sequence> youngest = std::move(running_.back());
  running_.pop_back();
  youngest->preempt();
  ++preemptions_;
  log_debug("sequence.preempted", {{"request", youngest->id}, {"written", youngest->written()}});
  const auto place = std::ranges::lower_bound(waiting_, youngest->id, {}, [](const auto& other) { return other->id; });
  waiting_.insert(place, std::move(youngest));
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
      const int64_t count = std::min(sequence->rows_of_kind(), left);
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
