// Regions within which an encoder attends: every view, or every window of it.
#pragma once

#include <cstdint>
#include <vector>

#include "device/cpu/kernels.h"

namespace lectern::cpu {

// The sizes of one call of attention.
struct EncoderRegions {
  explicit EncoderRegions(const AttentionArgs& args)
      : batch(args.qkv.shape[0]),
        height(args.qkv.shape[1]),
        width(args.qkv.shape[2]),
        head_size(args.head_size()),
        kv_heads(args.key_heads()),
        sharing(args.heads / kv_heads),
        channels(args.heads * head_size),
        kv_channels(kv_heads * head_size),
        stride(args.qkv.shape[3]),
        rows(args.window > 0 ? args.window : height),
        columns(args.window > 0 ? args.window : width),
        keys(rows * columns) {}

  // Its top left place is (top, left) of view `view`.
  struct Region {
    int64_t view, top, left;
  };
  std::vector<Region> regions() const {
    std::vector<Region> all;
    for (int64_t view = 0; view < batch; ++view) {
      for (int64_t top = 0; top < height; top += rows) {
        for (int64_t left = 0; left < width; left += columns) all.push_back({view, top, left});
      }
    }
    return all;
  }

  // Query, key and value of key j of a region: those of the padding where it lies beyond the view.
  template <typename T>
  const T* place(const AttentionArgs& args, const Region& region, int64_t j, const T* padding) const {
    const int64_t y = region.top + j / columns;
    const int64_t x = region.left + j % columns;
    if (y >= height || x >= width) return padding;
    return args.qkv.as<T>() + ((region.view * height + y) * width + x) * stride;
  }

  int64_t pages() const { return (keys + page_tokens - 1) / page_tokens; }  // of keys

  int64_t batch, height, width;
  int64_t head_size, kv_heads;
  int64_t sharing;                // query heads of a kv head
  int64_t channels, kv_channels;  // of a place's query; of its key and its value
  int64_t stride;                 // of a place
  int64_t rows, columns;          // of a region
  int64_t keys;
};

}  // namespace lectern::cpu
