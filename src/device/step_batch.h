// Step batch: metadata of the rows of one decoder step, sent to the device once as one block and used by every layer:
// ids, positions, slots and pages of the KV cache, and the rows after which a token is chosen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"

namespace lectern {

// Device memory of a batch. Kept from one batch to the next, it stays in its place while it is large enough.
struct StepMemory {
  Tensor block;
  std::map<std::string, Tensor> tables;
};

// Ids that a step reads and bans, for embed and sample.
struct StepTokens {
  std::span<const int32_t> ids = {};           // of every row, below the vocabulary's size
  std::span<const int32_t> picture_rows = {};  // of every row, or -1 (EmbedArgs); empty: -1 for all
  std::span<const int64_t> logit_rows = {};    // rows after which a token is chosen
  // Banned ids of each of these rows, in any order; empty: none.
  std::span<const std::vector<int32_t>> banned = {};
  int64_t vocabulary = 0;
};

class StepBatch {
 public:
  // `page_tokens` is that of the cache; without one, sequences need no pages and slots() and page_table() are empty.
  // The device, and the memory of an earlier batch if any, must outlive the batch.
  StepBatch(Device& device, std::span<const SequenceRows> sequences, int page_tokens = 0, const StepTokens& tokens = {},
            StepMemory* memory = nullptr);
  StepBatch(const StepBatch&) = delete;
  StepBatch& operator=(const StepBatch&) = delete;

  // For the host; their pages live as long as the batch.
  std::span<const SequenceRows> sequences() const { return sequences_; }
  int64_t rows() const { return rows_; }  // up to the last of any sequence
  // Rows of pictures that follow on each other in a run of rows of the step.
  struct PictureRun {
    int64_t row = 0, picture_row = 0, count = 0;
  };
  std::span<const PictureRun> picture_runs() const { return picture_runs_; }
  bool all_logit_rows() const { return all_logit_rows_; }                   // every row, in order
  std::span<const int32_t> banned_on_host() const { return banned_list_; }  // as banned()

  // On the device, i32.
  TensorView positions() const { return part(positions_, {rows_}); }  // [rows]; 0 for a row of no sequence
  // [rows]: of the cache's rows of all pages, page * page_tokens + position % page_tokens; -1 for a row of no sequence
  TensorView slots() const { return part(slots_, {page_tokens_ > 0 ? rows_ : 0}); }
  // [sequences, most pages of one]; 0 behind a sequence's last
  TensorView page_table() const;
  TensorView ids() const { return part(ids_, {id_count_}); }                       // [rows], where they were given
  TensorView picture_rows() const { return part(picture_rows_, {id_count_}); }     // [rows]; -1: a token's
  TensorView logit_rows() const { return part(logit_rows_, {logit_row_count_}); }  // [logit rows]
  // [bans], ascending: places in the logits of all logit rows, index in logit_rows() * vocabulary + id; empty: none
  TensorView banned() const;

  // A tensor that a device computes once a step and uses in every layer, such as a table of sines: filled at the first
  // call with this key, kept as long as the batch. For the thread that runs the step.
  using Fill = std::function<void(const MutableTensorView&)>;
  const Tensor& once(const std::string& key, DataType type, const Shape& shape, const Fill& fill) const;
  // Tensors of the step that a layer reads beside the page table: positions, slots and what `once` has made so far.
  std::vector<TensorView> operands() const;

 private:
  TensorView part(int64_t first, const Shape& shape) const;

  Device& device_;
  std::vector<int32_t> pages_;
  std::vector<SequenceRows> sequences_;
  std::vector<PictureRun> picture_runs_;
  std::vector<int32_t> banned_list_;
  int64_t rows_ = 0;
  int page_tokens_;
  int64_t max_pages_ = 0;
  int64_t id_count_ = 0, logit_row_count_ = 0;
  bool all_logit_rows_ = false;
  // Where each begins in the block.
  int64_t positions_ = 0, slots_ = 0, page_table_ = 0, ids_ = 0, picture_rows_ = 0, logit_rows_ = 0, banned_ = 0;
  StepMemory own_;
  StepMemory* memory_;
  mutable std::map<std::string, const Tensor*> made_;
};

}  // namespace lectern
