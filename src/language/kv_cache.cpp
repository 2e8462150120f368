#include "language/kv_cache.h"

#include <numeric>

namespace lectern {

PagePool::PagePool(int32_t pages, int page_tokens)
    : pages_(pages), page_tokens_(page_tokens), free_(static_cast<size_t>(pages)) {
  std::iota(free_.rbegin(), free_.rend(), 0);  // page 0 is taken first
}

KvCache::KvCache(Device& device, const DecoderConfig& config, WeightFormat format, int sequences, int64_t positions)
    : kv_heads_(config.kv_heads),
      head_size_(config.hidden / config.heads),
      format_(format_of(device, config, format)),
      pool_(static_cast<int32_t>(sequences * pages_for(positions, format_)), format_.page_tokens),
      memory_(device, DataType::u8, {config.layers, pool_.pages(), static_cast<int64_t>(format_.page_bytes)}) {}

int64_t KvCache::bytes_of_sequence(const Device& device, const DecoderConfig& config, WeightFormat format,
                                   int64_t positions) {
  const CacheFormat pages = format_of(device, config, format);
  return static_cast<int64_t>(pages.page_bytes) * pages_for(positions, pages) * config.layers;
}

CacheLayer KvCache::layer(int index) const {
  return {memory_.view().slice(index, 1).data, pool_.pages(), kv_heads_, head_size_, format_};
}

bool SequencePages::reserve(int64_t positions) {
  const int64_t more = pool_->pages_for(positions) - static_cast<int64_t>(pages_.size());
  if (more > pool_->free_pages()) return false;
  for (int64_t i = 0; i < more; ++i) {
    pages_.push_back(pool_->free_.back());
    pool_->free_.pop_back();
  }
  return true;
}

void SequencePages::clear() {
  pool_->free_.insert(pool_->free_.end(), pages_.begin(), pages_.end());
  pages_.clear();
}

}  // namespace lectern
