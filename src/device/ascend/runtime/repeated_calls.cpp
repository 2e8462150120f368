#include "device/ascend/runtime/repeated_calls.h"

namespace lectern::ascend {

RepeatedCalls::RepeatedCalls(const Objects& objects, bool enabled, size_t most)
    : objects_(objects),
      enabled_(enabled && objects.make_repeatable != nullptr && objects.destroy_executor != nullptr),
      most_(most) {}

const RepeatedCalls::Call* RepeatedCalls::find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return &kept_.front().call;
}

const RepeatedCalls::Call* RepeatedCalls::keep(std::string key, const Call& call,
                                               std::shared_ptr<const void> operands) {
  kept_.push_front({std::move(key), {}, nullptr});
  Kept& kept = kept_.front();
  by_key_.emplace(kept.key, kept_.begin());
  if (objects_.make_repeatable(call.executor) != 0) return nullptr;  // the key stays: it is not tried again
  kept.call = call;
  kept.operands = std::move(operands);
  return &kept.call;
}

void RepeatedCalls::make_room() noexcept {
  while (!kept_.empty() && kept_.size() >= most_) drop(kept_.back().key);
}

void RepeatedCalls::end(Kept& kept) noexcept {
  if (kept.call.executor != nullptr) objects_.destroy_executor(kept.call.executor);
}

void RepeatedCalls::drop(const std::string& key) noexcept {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto kept = found->second;
  by_key_.erase(found);
  end(*kept);
  kept_.erase(kept);
}

void RepeatedCalls::clear() noexcept {
  by_key_.clear();
  for (Kept& kept : kept_) end(kept);
  kept_.clear();
}

}  // namespace lectern::ascend
