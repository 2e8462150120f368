#include "device/step_batch.h"

#include <algorithm>

#include "device/host_values.h"

namespace lectern {
namespace {

constexpr int64_t alignment = 16;  // values of 4 bytes: where a copy may begin
constexpr int64_t table_step = 8;  // pages; a growing sequence does not change the table's shape with every page

int64_t padded(int64_t count) { return (count + alignment - 1) / alignment * alignment; }

}  // namespace

StepBatch::StepBatch(Device& device, std::span<const SequenceRows> sequences, int page_tokens)
    : sequences_(sequences.begin(), sequences.end()), page_tokens_(page_tokens) {
  size_t all_pages = 0;
  for (const SequenceRows& sequence : sequences_) {
    rows_ = std::max(rows_, sequence.first_row + sequence.rows);
    all_pages += sequence.pages.size();
  }
  pages_.reserve(all_pages);  // spans point into it
  for (SequenceRows& sequence : sequences_) {
    const size_t first = pages_.size();
    pages_.insert(pages_.end(), sequence.pages.begin(), sequence.pages.end());
    sequence.pages = std::span<const int32_t>(pages_).subspan(first, sequence.pages.size());
    if (page_tokens_ > 0)
      max_pages_ = std::max(max_pages_, (sequence.position + sequence.rows + page_tokens_ - 1) / page_tokens_);
  }
  max_pages_ = (max_pages_ + table_step - 1) / table_step * table_step;

  const int64_t table = 2 * padded(rows_);
  std::vector<int32_t> values(static_cast<size_t>(table + static_cast<int64_t>(sequences_.size()) * max_pages_));
  const auto slots = std::span(values).subspan(static_cast<size_t>(padded(rows_)), static_cast<size_t>(rows_));
  std::ranges::fill(slots, -1);
  for (size_t s = 0; s < sequences_.size(); ++s) {
    const SequenceRows& sequence = sequences_[s];
    for (int64_t i = 0; i < sequence.rows; ++i) {
      const auto row = static_cast<size_t>(sequence.first_row + i);
      const int64_t position = sequence.position + i;
      values[row] = static_cast<int32_t>(position);
      if (page_tokens_ == 0) continue;
      const int32_t page = sequence.pages[static_cast<size_t>(position / page_tokens_)];
      slots[row] = static_cast<int32_t>(page * page_tokens_ + position % page_tokens_);
    }
    const size_t used = std::min(sequence.pages.size(), static_cast<size_t>(max_pages_));
    std::copy_n(sequence.pages.begin(), used,
                values.begin() + static_cast<std::ptrdiff_t>(table + static_cast<int64_t>(s) * max_pages_));
  }
  block_ = from_host(device, values);
}

TensorView StepBatch::part(int64_t first, const Shape& shape) const {
  return block_.view().at(first == 0 ? 0 : padded(first), shape);
}

TensorView StepBatch::page_table() const {
  return block_.view().at(2 * padded(rows_), {static_cast<int64_t>(sequences_.size()), max_pages_});
}

const Tensor& StepBatch::once(const std::string& key, const std::function<Tensor()>& make) const {
  const auto found = made_.find(key);
  return found != made_.end() ? found->second : made_.emplace(key, make()).first->second;
}

}  // namespace lectern
