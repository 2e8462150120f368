// The keys and values of every sequence in flight, in pages of fixed size from one pool.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"
#include "device/device.h"

namespace lectern {

class KvCache {
 public:
  // Room for `pages` pages of page_tokens positions each. The memory is reserved at once and taken up as it is used.
  KvCache(Device& device, const DecoderConfig& config, int32_t pages);

  CacheLayer layer(int index) const;
  int32_t free_pages() const { return static_cast<int32_t>(free_.size()); }
  int32_t pages() const { return pages_; }
  static int64_t pages_for(int64_t positions) { return (positions + page_tokens - 1) / page_tokens; }
  static size_t bytes_of_page(const DecoderConfig& config);

 private:
  friend class SequencePages;

  int kv_heads_;
  int head_size_;
  int value_stride_;
  int64_t layer_stride_;  // floats
  int64_t page_stride_;   // floats
  int32_t pages_;
  Tensor memory_;
  std::vector<int32_t> free_;
};

// The pages of one sequence; they go back to the pool with it. The cache must outlive it. Not for several threads.
class SequencePages {
 public:
  explicit SequencePages(KvCache& cache) : cache_(&cache) {}
  SequencePages(SequencePages&& other) noexcept : cache_(other.cache_), pages_(std::move(other.pages_)) {
    other.pages_.clear();
  }
  SequencePages& operator=(SequencePages&& other) noexcept {
    std::swap(cache_, other.cache_);
    std::swap(pages_, other.pages_);
    return *this;
  }
  SequencePages(const SequencePages&) = delete;
  SequencePages& operator=(const SequencePages&) = delete;
  ~SequencePages() { cache_->free_.insert(cache_->free_.end(), pages_.begin(), pages_.end()); }

  // Takes pages until `positions` fit; false, with nothing taken, when the pool has too few.
  bool reserve(int64_t positions);
  std::span<const int32_t> pages() const { return pages_; }

 private:
  KvCache* cache_;
  std::vector<int32_t> pages_;
};

}  // namespace lectern
