// Paged KV cache: the keys and values of all sequences in flight, in pages of fixed size from one pool. The host knows
// whose a page is (PagePool, SequencePages); the bytes lie on the device (KvCache).
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"
#include "device/device.h"

namespace lectern {

class PagePool {
 public:
  PagePool(int32_t pages, int page_tokens);

  int32_t free_pages() const { return static_cast<int32_t>(free_.size()); }
  int32_t pages() const { return pages_; }
  int page_tokens() const { return page_tokens_; }
  int64_t pages_for(int64_t positions) const { return (positions + page_tokens_ - 1) / page_tokens_; }

 private:
  friend class SequencePages;

  int32_t pages_;
  int page_tokens_;
  std::vector<int32_t> free_;
};

// What a cache keeps of a position; the cache of a rank, for its own heads.
struct CacheShape {
  CacheShape(const DecoderConfig& config)  // NOLINT: of a whole model
      : layers(config.layers), kv_heads(config.kv_heads), head_size(config.hidden / config.heads) {}
  int layers;
  int kv_heads;
  int head_size;
};

class KvCache {
 public:
  // Room for `sequences` sequences of `positions` each, in whole pages, as the device keeps them beside weights of
  // `format`. The memory is reserved at once and taken up as it is used.
  KvCache(Device& device, const CacheShape& shape, WeightFormat format, int sequences, int64_t positions);

  // The bytes of a cache for one sequence of `positions`.
  static int64_t bytes_of_sequence(const Device& device, const CacheShape& shape, WeightFormat format,
                                   int64_t positions);

  CacheLayer layer(int index) const;
  PagePool& pool() { return pool_; }
  const PagePool& pool() const { return pool_; }

 private:
  static CacheFormat format_of(const Device& device, const CacheShape& shape, WeightFormat format) {
    return device.cache_format(shape.kv_heads, shape.head_size, format);
  }
  static int64_t pages_for(int64_t positions, const CacheFormat& format) {
    return (positions + format.page_tokens - 1) / format.page_tokens;
  }

  CacheShape shape_;
  CacheFormat format_;
  PagePool pool_;
  Tensor memory_;  // [layers, pages, bytes of a page]
};

// The pages of one sequence, which go back to the pool when it is destroyed. Pages in the middle that nothing attends
// to any more may be used again at its end. The pool must outlive it. Not thread-safe.
class SequencePages {
 public:
  explicit SequencePages(PagePool& pool) : pool_(&pool) {}
  SequencePages(SequencePages&& other) noexcept
      : pool_(other.pool_), pages_(std::move(other.pages_)), spare_(std::move(other.spare_)) {
    other.pages_.clear();
    other.spare_.clear();
  }
  SequencePages& operator=(SequencePages&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(pages_, other.pages_);
    std::swap(spare_, other.spare_);
    return *this;
  }
  SequencePages(const SequencePages&) = delete;
  SequencePages& operator=(const SequencePages&) = delete;
  ~SequencePages() { clear(); }

  // Takes pages until `positions` fit, spare ones first; false, with nothing taken, when the pool has too few.
  bool reserve(int64_t positions);
  // Takes spare pages until it holds `count`; false, with nothing taken, when the pool has too few.
  bool take_spare(int64_t count);
  // Makes pages spare that hold nothing but positions `from` .. `to` - 1; `from` is the same in every call.
  void retire(int64_t from, int64_t to);
  void give_back_spare();
  // Gives all of them back.
  void clear();
  std::span<const int32_t> pages() const { return pages_; }  // by position; -1: retired
  int64_t held() const { return static_cast<int64_t>(pages_.size() + spare_.size()) - retired_; }
  // Positions up to which pages can be reserved without the pool.
  int64_t reach() const { return static_cast<int64_t>(pages_.size() + spare_.size()) * pool_->page_tokens(); }

 private:
  PagePool* pool_;
  std::vector<int32_t> pages_;
  std::vector<int32_t> spare_;
  int64_t retired_ = 0;  // of pages_, in a row
};

}  // namespace lectern
