// The paged cache of keys and values, and causal attention over it.
#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "device/cpu/attention/bf16_attention.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/kernel_list.h"
#include "device/step_batch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/cache_attention.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/attention/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {

inline const float* page_of(const CacheLayer& cache, int32_t page) {
  return reinterpret_cast<const float*>(cache.data + static_cast<size_t>(page) * cache.format.page_bytes);
}

// Rows first .. first + rows - 1 of a sequence, one query head.
void attend_rows(const PagedAttentionArgs& args, const SequenceRows& sequence, int64_t head, int64_t first,
                 int64_t rows) {
  static thread_local std::vector<const float*> keys, values;
  static thread_local std::vector<float> result;
  const CacheLayer& cache = args.cache;
  const int64_t kv_head = head / (args.heads / cache.kv_heads);
  const int64_t value_stride = padded(cache.head_size);
  const int64_t seen = sequence.position + first + rows;
  const auto pages = static_cast<size_t>((seen + page_tokens - 1) / page_tokens);
  keys.resize(pages);
  values.resize(pages);
  for (size_t i = 0; i < pages; ++i) {
    if (sequence.pages[i] < 0) continue;  // no row sees it
    const float* page = page_of(cache, sequence.pages[i]);
    keys[i] = page + kv_head * cache.head_size * page_tokens;
    values[i] = page + cache.kv_heads * cache.head_size * page_tokens + kv_head * page_tokens * value_stride;
  }
  result.resize(static_cast<size_t>(query_block * value_stride));
  const int64_t stride = args.queries.shape[1];
  const int64_t offset = (sequence.first_row + first) * stride + head * cache.head_size;
  QueryBlock block;
  block.queries = args.queries.as<float>() + offset;
  block.query_stride = stride;
  block.rows = rows;
  block.head_size = cache.head_size;
  block.scale = args.scale;
  block.keys = keys.data();
  block.values = values.data();
  block.value_stride = value_stride;
  block.key_count = seen;
  block.first_visible = sequence.position + first + 1;
  if (args.window > 0) {
    block.hidden_from = sequence.prompt;
    block.hidden_to = block.first_visible - args.window;
  }
  attend(block, result.data());
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(result.data() + i * value_stride, cache.head_size, args.out.as<float>() + offset + i * stride);
  }
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(attend_rows);

CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format) {
  if (row_type(format) == DataType::bf16) return bf16::cache_format(kv_heads, head_size);
  const auto floats =
      static_cast<size_t>(kv_heads) * page_tokens * static_cast<size_t>(head_size + HWY_NAMESPACE::padded(head_size));
  return {page_tokens, floats * sizeof(float), DataType::f32};
}

void write_kv(Device&, const WriteKvArgs& args) {
  const CacheLayer& cache = args.cache;
  if (cache.format.type == DataType::bf16) return bf16::write_kv(args);
  const int64_t size = cache.head_size;
  const int64_t value_stride = HWY_NAMESPACE::padded(size);
  struct Place {
    int64_t row;
    int32_t page;
    int64_t slot;
  };
  std::vector<Place> places;
  for (const SequenceRows& sequence : args.step.sequences()) {
    for (int64_t i = 0; i < sequence.rows; ++i) {
      const int64_t position = sequence.position + i;
      places.push_back({sequence.first_row + i, sequence.pages[static_cast<size_t>(position / page_tokens)],
                        position % page_tokens});
    }
  }
  parallel_shares(static_cast<int64_t>(places.size()), 8, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto& [row, index, slot] = places[static_cast<size_t>(i)];
      auto* page = reinterpret_cast<float*>(cache.data + static_cast<size_t>(index) * cache.format.page_bytes);
      float* page_values = page + cache.kv_heads * size * page_tokens;
      const float* keys = args.keys.as<float>() + row * cache.kv_heads * size;
      const float* values = args.values.as<float>() + row * cache.kv_heads * size;
      // Every key is a line of its own, which the weights have driven out of the caches: all are asked for at once.
      for (int64_t k = 0; k < cache.kv_heads * size; ++k) __builtin_prefetch(page + k * page_tokens + slot, 1);
      for (int64_t k = 0; k < cache.kv_heads * size; ++k) page[k * page_tokens + slot] = keys[k];
      for (int64_t head = 0; head < cache.kv_heads; ++head) {
        float* out = page_values + (head * page_tokens + slot) * value_stride;
        std::copy_n(values + head * size, size, out);
        std::fill(out + size, out + value_stride, 0.0f);
      }
    }
  });
}

void paged_attention(Device&, const PagedAttentionArgs& args) {
  const bool narrow = args.cache.format.type == DataType::bf16;
  const int64_t query_rows = narrow ? bf16::attention_rows : HWY_NAMESPACE::query_block;
  struct Task {
    const SequenceRows* sequence;
    int64_t head, first, rows;
  };
  std::vector<Task> tasks;
  for (const SequenceRows& sequence : args.step.sequences()) {
    for (int64_t first = 0; first < sequence.rows; first += query_rows) {
      for (int64_t head = 0; head < args.heads; ++head) {
        tasks.push_back({&sequence, head, first, std::min(query_rows, sequence.rows - first)});
      }
    }
  }
  // The longest tasks, which are the last, go first.
  parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
    const Task& task = tasks[tasks.size() - 1 - static_cast<size_t>(i)];
    if (narrow) {
      bf16::attend_rows(args, *task.sequence, task.head, task.first, task.rows);
    } else {
      HWY_DYNAMIC_DISPATCH(attend_rows)(args, *task.sequence, task.head, task.first, task.rows);
    }
  });
}

}  // namespace lectern::cpu
#endif
