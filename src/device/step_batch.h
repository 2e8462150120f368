// The rows of one step of a decoder, whose sequences they belong to, and where their keys and values go: sent to the
// device once a step and used by every layer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"

namespace lectern {

// What a batch has on the device. Kept from one batch to the next, it stays in its place while it is large enough.
struct StepMemory {
  Tensor block;
  std::map<std::string, Tensor> tables;
};

class StepBatch {
 public:
  // `page_tokens` is that of the cache; without one, sequences need no pages and slots() and page_table() are empty.
  // The device, and the memory of an earlier batch if any, must outlive the batch.
  StepBatch(Device& device, std::span<const SequenceRows> sequences, int page_tokens = 0, StepMemory* memory = nullptr);
  StepBatch(const StepBatch&) = delete;
  StepBatch& operator=(const StepBatch&) = delete;

  // For the host; their pages live as long as the batch.
  std::span<const SequenceRows> sequences() const { return sequences_; }
  int64_t rows() const { return rows_; }  // up to the last of any sequence

  // On the device, i32.
  TensorView positions() const { return part(0, {rows_}); }  // [rows]; 0 for a row of no sequence
  // [rows]: of the cache's rows of all pages, page * page_tokens + position % page_tokens; -1 for a row of no sequence
  TensorView slots() const { return part(rows_, {page_tokens_ > 0 ? rows_ : 0}); }
  // [sequences, most pages of one]; 0 behind a sequence's last
  TensorView page_table() const;

  // What a device makes of a step once and uses in every layer, such as tables of sines: filled at the first call with
  // this key, kept as long as the batch. For the thread that runs the step.
  using Fill = std::function<void(const MutableTensorView&)>;
  const Tensor& once(const std::string& key, DataType type, const Shape& shape, const Fill& fill) const;
  // What a layer reads of the step beside the page table: positions, slots and what was made so far.
  std::vector<TensorView> operands() const;

 private:
  TensorView part(int64_t first, const Shape& shape) const;

  Device& device_;
  std::vector<int32_t> pages_;
  std::vector<SequenceRows> sequences_;
  int64_t rows_ = 0;
  int page_tokens_;
  int64_t max_pages_ = 0;
  StepMemory own_;
  StepMemory* memory_;  // the block holds positions, slots, page table, each from a multiple of `alignment` on
  mutable std::map<std::string, const Tensor*> made_;
};

}  // namespace lectern
