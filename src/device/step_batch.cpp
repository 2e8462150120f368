#include "device/step_batch.h"

#include <algorithm>
#include <bit>

#include "device/choice.h"
#include "device/host_values.h"

namespace lectern {
namespace {

constexpr int64_t alignment = 16;   // values of 4 bytes: where a copy may begin
constexpr size_t block_step = 256;  // values; a few bans more do not change the size of the block
constexpr int64_t table_step = 8;   // pages; a growing sequence does not change the table's shape with every page

int64_t padded(int64_t count) { return (count + alignment - 1) / alignment * alignment; }

bool is_all(std::span<const int64_t> logit_rows, int64_t rows) {
  if (static_cast<int64_t>(logit_rows.size()) != rows) return false;
  for (size_t i = 0; i < logit_rows.size(); ++i) {
    if (logit_rows[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

std::vector<StepBatch::PictureRun> runs_of(std::span<const int32_t> picture_rows) {
  std::vector<StepBatch::PictureRun> runs;
  for (size_t i = 0; i < picture_rows.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const int64_t of_picture = picture_rows[i];
    if (of_picture < 0) continue;
    const bool goes_on = !runs.empty() && runs.back().row + runs.back().count == row &&
                         runs.back().picture_row + runs.back().count == of_picture;
    if (goes_on) {
      ++runs.back().count;
    } else {
      runs.push_back({row, of_picture, 1});
    }
  }
  return runs;
}

}  // namespace

StepBatch::StepBatch(Device& device, std::span<const SequenceRows> sequences, int page_tokens, const StepTokens& tokens,
                     StepMemory* memory)
    : device_(device),
      sequences_(sequences.begin(), sequences.end()),
      picture_runs_(runs_of(tokens.picture_rows)),
      banned_list_(banned_places(tokens.banned, tokens.vocabulary)),
      page_tokens_(page_tokens),
      id_count_(static_cast<int64_t>(tokens.ids.size())),
      logit_row_count_(static_cast<int64_t>(tokens.logit_rows.size())),
      memory_(memory != nullptr ? memory : &own_) {
  size_t all_pages = 0;
  for (const SequenceRows& sequence : sequences_) {
    rows_ = std::max(rows_, sequence.first_row + sequence.rows);
    all_pages += sequence.pages.size();
  }
  all_logit_rows_ = is_all(tokens.logit_rows, rows_);
  pages_.reserve(all_pages);  // spans point into it
  for (SequenceRows& sequence : sequences_) {
    const size_t first = pages_.size();
    pages_.insert(pages_.end(), sequence.pages.begin(), sequence.pages.end());
    sequence.pages = std::span<const int32_t>(pages_).subspan(first, sequence.pages.size());
    if (page_tokens_ > 0)
      max_pages_ = std::max(max_pages_, (sequence.position + sequence.rows + page_tokens_ - 1) / page_tokens_);
  }
  max_pages_ = (max_pages_ + table_step - 1) / table_step * table_step;

  std::vector<int32_t> values;
  const auto begin = [&](int64_t count) {
    const auto first = static_cast<int64_t>(values.size());
    values.resize(static_cast<size_t>(first + padded(count)));
    return first;
  };
  const auto add = [&](const auto& some) {
    const int64_t first = begin(static_cast<int64_t>(some.size()));
    std::transform(some.begin(), some.end(), values.begin() + first, [](auto x) { return static_cast<int32_t>(x); });
    return first;
  };
  positions_ = begin(rows_);
  slots_ = begin(rows_);
  std::fill_n(values.begin() + slots_, rows_, -1);
  page_table_ = begin(static_cast<int64_t>(sequences_.size()) * max_pages_);
  for (size_t s = 0; s < sequences_.size(); ++s) {
    const SequenceRows& sequence = sequences_[s];
    for (int64_t i = 0; i < sequence.rows; ++i) {
      const int64_t row = sequence.first_row + i;
      const int64_t position = sequence.position + i;
      values[static_cast<size_t>(positions_ + row)] = static_cast<int32_t>(position);
      if (page_tokens_ == 0) continue;
      const int32_t page = sequence.pages[static_cast<size_t>(position / page_tokens_)];
      values[static_cast<size_t>(slots_ + row)] = static_cast<int32_t>(page * page_tokens_ + position % page_tokens_);
    }
    const size_t used = std::min(sequence.pages.size(), static_cast<size_t>(max_pages_));
    std::copy_n(sequence.pages.begin(), used, values.begin() + page_table_ + static_cast<int64_t>(s) * max_pages_);
  }
  ids_ = add(tokens.ids);
  picture_rows_ = begin(id_count_);
  std::fill_n(values.begin() + picture_rows_, id_count_, -1);
  std::ranges::copy(tokens.picture_rows, values.begin() + picture_rows_);
  logit_rows_ = add(tokens.logit_rows);
  banned_ = add(banned_list_);
  values.resize((values.size() + block_step - 1) / block_step * block_step);
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

TensorView StepBatch::part(int64_t first, const Shape& shape) const { return memory_->block.view().at(first, shape); }

TensorView StepBatch::page_table() const {
  return part(page_table_, {static_cast<int64_t>(sequences_.size()), max_pages_});
}

TensorView StepBatch::banned() const {
  return banned_list_.empty() ? TensorView() : part(banned_, {static_cast<int64_t>(banned_list_.size())});
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
