#include "language/kv_cache.h"

#include <numeric>

namespace lectern {

KvCache::KvCache(Device& device, const DecoderConfig& config, WeightFormat format, int sequences, int64_t positions)
    : kv_heads_(config.kv_heads),
      head_size_(config.hidden / config.heads),
      format_(format_of(device, config, format)),
      pages_(static_cast<int32_t>(sequences * pages_for(positions))),
      memory_(device, DataType::u8, {config.layers, pages_, static_cast<int64_t>(format_.page_bytes)}),
      free_(static_cast<size_t>(pages_)) {
  std::iota(free_.rbegin(), free_.rend(), 0);  // page 0 is taken first
}

int64_t KvCache::bytes_of_sequence(const Device& device, const DecoderConfig& config, WeightFormat format,
                                   int64_t positions) {
  const CacheFormat pages = format_of(device, config, format);
  return static_cast<int64_t>(pages.page_bytes) * pages_for(positions, pages) * config.layers;
}

CacheLayer KvCache::layer(int index) const {
  return {memory_.view().slice(index, 1).data, pages_, kv_heads_, head_size_, format_};
}

bool SequencePages::reserve(int64_t positions) {
  const int64_t more = cache_->pages_for(positions) - static_cast<int64_t>(pages_.size());
  if (more > cache_->free_pages()) return false;
  for (int64_t i = 0; i < more; ++i) {
    pages_.push_back(cache_->free_.back());
    cache_->free_.pop_back();
  }
  return true;
}

}  // namespace lectern
