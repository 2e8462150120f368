#include "language/kv_cache.h"

#include <numeric>

namespace lectern {
namespace {

constexpr int value_padding = 16;  // the most lanes of a vector

int padded(int head_size) { return (head_size + value_padding - 1) / value_padding * value_padding; }

int64_t floats_of_layer(const DecoderConfig& config) {
  const int head_size = config.hidden / config.heads;
  return static_cast<int64_t>(config.kv_heads) * page_tokens * (head_size + padded(head_size));
}

}  // namespace

size_t KvCache::bytes_of_page(const DecoderConfig& config) {
  return static_cast<size_t>(floats_of_layer(config)) * static_cast<size_t>(config.layers) * sizeof(float);
}

KvCache::KvCache(Device& device, const DecoderConfig& config, int32_t pages)
    : kv_heads_(config.kv_heads),
      head_size_(config.hidden / config.heads),
      value_stride_(padded(head_size_)),
      layer_stride_(floats_of_layer(config)),
      page_stride_(layer_stride_ * config.layers),
      pages_(pages),
      memory_(device, DataType::f32, {pages, page_stride_}),
      free_(static_cast<size_t>(pages)) {
  std::iota(free_.rbegin(), free_.rend(), 0);  // page 0 is taken first
}

CacheLayer KvCache::layer(int index) const {
  return {memory_.floats() + index * layer_stride_, page_stride_, kv_heads_, head_size_, value_stride_};
}

bool SequencePages::reserve(int64_t positions) {
  const int64_t more = KvCache::pages_for(positions) - static_cast<int64_t>(pages_.size());
  if (more > cache_->free_pages()) return false;
  for (int64_t i = 0; i < more; ++i) {
    pages_.push_back(cache_->free_.back());
    cache_->free_.pop_back();
  }
  return true;
}

}  // namespace lectern
