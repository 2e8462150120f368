#include "language/kv_cache.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace lectern {

PagePool::PagePool(int32_t pages, int page_tokens)
    : pages_(pages), page_tokens_(page_tokens), free_(static_cast<size_t>(pages)) {
  std::iota(free_.rbegin(), free_.rend(), 0);  // page 0 is taken first
}

KvCache::KvCache(Device& device, const CacheShape& shape, WeightFormat format, int sequences, int64_t positions)
    : shape_(shape),
      format_(format_of(device, shape, format)),
      pool_(static_cast<int32_t>(sequences * pages_for(positions, format_)), format_.page_tokens),
      memory_(device, DataType::u8, {shape.layers, pool_.pages(), static_cast<int64_t>(format_.page_bytes)}) {}

int64_t KvCache::bytes_of_sequence(const Device& device, const CacheShape& shape, WeightFormat format,
                                   int64_t positions) {
  const CacheFormat pages = format_of(device, shape, format);
  return static_cast<int64_t>(pages.page_bytes) * pages_for(positions, pages) * shape.layers;
}

CacheLayer KvCache::layer(int index) const {
  return {memory_.view().slice(index, 1).data, pool_.pages(), shape_.kv_heads, shape_.head_size, format_};
}

bool SequencePages::take_spare(int64_t count) {
  const int64_t more = count - held();
  if (more > pool_->free_pages()) return false;
  for (int64_t i = 0; i < more; ++i) {
    spare_.push_back(pool_->free_.back());
    pool_->free_.pop_back();
  }
  return true;
}

bool SequencePages::reserve(int64_t positions) {
  const int64_t more = pool_->pages_for(positions) - static_cast<int64_t>(pages_.size());
  if (more <= 0) return true;
  if (!take_spare(held() + more - static_cast<int64_t>(spare_.size()))) return false;
  for (int64_t i = 0; i < more; ++i) {
    pages_.push_back(spare_.front());
    spare_.erase(spare_.begin());
  }
  return true;
}

void SequencePages::retire(int64_t from, int64_t to) {
  const int64_t last = std::min(to / pool_->page_tokens(), static_cast<int64_t>(pages_.size()));
  for (int64_t i = pool_->pages_for(from) + retired_; i < last; ++i) {
    spare_.push_back(std::exchange(pages_[static_cast<size_t>(i)], -1));
    ++retired_;
  }
}

void SequencePages::give_back_spare() {
  pool_->free_.insert(pool_->free_.end(), spare_.begin(), spare_.end());
  spare_.clear();
}

void SequencePages::clear() {
  std::ranges::copy_if(pages_, std::back_inserter(spare_), [](int32_t page) { return page >= 0; });
  give_back_spare();
  pages_.clear();
  retired_ = 0;
}

}  // namespace lectern
