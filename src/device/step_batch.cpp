#include "device/step_batch.h"

#include <algorithm>
#include <bit>

#include "device/host_values.h"

namespace lectern {
namespace {

constexpr int64_t alignment = 16;  // values of 4 bytes: where a copy may begin
constexpr int64_t table_step = 8;  // pages; a growing sequence does not change the table's shape with every page

int64_t padded(int64_t count) { return (count + alignment - 1) / alignment * alignment; }

}  // namespace

StepBatch::StepBatch(Device& device, std::span<const SequenceRows> sequences, int page_tokens, StepMemory* memory)
    : device_(device),
      sequences_(sequences.begin(), sequences.end()),
      page_tokens_(page_tokens),
      memory_(memory != nullptr ? memory : &own_) {
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
  Tensor& block = memory_->block;
  const auto count = static_cast<int64_t>(values.size());
  if (memory == nullptr) {
    block = from_host(device, values);
    return;
  }
  if (!block || block.shape()[0] < count)
    block = Tensor(device, DataType::i32, {static_cast<int64_t>(std::bit_ceil(values.size()))});
  device.upload(values.data(), block.view().at(0, {count}));
}

TensorView StepBatch::part(int64_t first, const Shape& shape) const {
  return memory_->block.view().at(first == 0 ? 0 : padded(first), shape);
}

TensorView StepBatch::page_table() const {
  return memory_->block.view().at(2 * padded(rows_), {static_cast<int64_t>(sequences_.size()), max_pages_});
}

const Tensor& StepBatch::once(const std::string& key, DataType type, const Shape& shape, const Fill& fill) const {
  if (const auto found = made_.find(key); found != made_.end()) return *found->second;
  Tensor& table = memory_->tables[key];
  if (!table || table.view().type != type || table.shape() != shape) table = Tensor(device_, type, shape);
  fill(table);
  made_.emplace(key, &table);
  return table;
}

std::vector<TensorView> StepBatch::operands() const {
  std::vector<TensorView> all = {positions(), slots()};
  for (const auto& [key, table] : made_) all.emplace_back(table->view());
  return all;
}

}  // namespace lectern
