// Attention over the paged cache in bf16, and writing into it.
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/attention/bf16_attention.h"

#if HWY_ARCH_X86_64
#include "core/threads.h"
#include "device/cpu/attention/bf16_attention-inl.h"
#include "device/step_batch.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {
namespace {

// Asks for the memory that write_place writes: a line for every pair of dimensions. Since the last step the weights
// have driven it out of the caches, and one line after the other it would take as long as a tenth of the step.
void prefetch_place(const HeadLayout& head, int64_t slot, const uint32_t* keys, const uint32_t* values) {
  const uint32_t* const key = keys + slot / panel_places * head.pairs * panel_places;
  for (int64_t i = 0; i < head.pairs; ++i) __builtin_prefetch(key + i * panel_places, 1);
  for (int64_t i = 0; i < head.panels; ++i)
    __builtin_prefetch(values + (i * places_of_page / 2 + slot / 2) * panel_places, 1);
}

}  // namespace

CacheFormat cache_format(int kv_heads, int head_size) {
  return {static_cast<int>(places_of_page),
          static_cast<size_t>(kv_heads * HeadLayout(head_size).page_words()) * sizeof(uint32_t), DataType::bf16};
}

// Of one page, for every kv head one after the other, keys and values.
void write_kv(const WriteKvArgs& args) {
  const CacheLayer& cache = args.cache;
  const HeadLayout head(cache.head_size);
  // A pair of places is written by one thread.
  struct Pair {
    const SequenceRows* sequence;
    int64_t index;
  };
  std::vector<Pair> pairs;
  for (const SequenceRows& sequence : args.step.sequences()) {
    const int64_t last = sequence.position + sequence.rows;
    for (int64_t index = sequence.position / 2; 2 * index < last; ++index) pairs.push_back({&sequence, index});
  }
  parallel_shares(static_cast<int64_t>(pairs.size()), 4, [&](int64_t from, int64_t to) {
    std::vector<uint16_t> key(static_cast<size_t>(head.size)), value(key.size());
    for (int64_t i = from; i < to; ++i) {
      const auto& [sequence, index] = pairs[static_cast<size_t>(i)];
      const int64_t last = std::min(2 * index + 2, sequence->position + sequence->rows);
      for (int64_t position = std::max(2 * index, sequence->position); position < last; ++position) {
        const auto page_index = static_cast<size_t>(sequence->pages[static_cast<size_t>(position / places_of_page)]);
        auto* const page = reinterpret_cast<uint32_t*>(cache.data + page_index * cache.format.page_bytes);
        const int64_t row = (sequence->first_row + position - sequence->position) * cache.kv_heads * head.size;
        const int64_t slot = position % places_of_page;
        for (int64_t h = 0; h < cache.kv_heads && sequence->rows < panel_places; ++h) {
          const uint32_t* const keys = page + h * head.page_words();
          prefetch_place(head, slot, keys, keys + head.key_words());
        }
        for (int64_t h = 0; h < cache.kv_heads; ++h) {
          for (int64_t j = 0; j < head.size; ++j) {
            key[static_cast<size_t>(j)] = f32_to_bf16(args.keys.as<float>()[row + h * head.size + j]);
            value[static_cast<size_t>(j)] = f32_to_bf16(args.values.as<float>()[row + h * head.size + j]);
          }
          uint32_t* const keys = page + h * head.page_words();
          write_place(head, key.data(), value.data(), slot, keys, keys + head.key_words());
        }
      }
    }
  });
}

void attend_rows(const PagedAttentionArgs& args, const SequenceRows& sequence, int64_t head_index, int64_t first,
                 int64_t rows) {
  Workplace& w = workplace();
  const CacheLayer& cache = args.cache;
  const HeadLayout head(cache.head_size);
  const int64_t kv_head = head_index / (args.heads / cache.kv_heads);
  const int64_t seen = sequence.position + first + rows;
  w.pages.clear();
  for (int64_t i = 0; i * places_of_page < seen; ++i) {
    const int32_t index = sequence.pages[static_cast<size_t>(i)];
    if (index < 0) {  // no row sees it
      w.pages.push_back(nullptr);
      continue;
    }
    const std::byte* const page = cache.data + static_cast<size_t>(index) * cache.format.page_bytes;
    w.pages.push_back(reinterpret_cast<const uint32_t*>(page) + kv_head * head.page_words());
  }
  const int64_t width = args.queries.shape[1];
  const int64_t offset = (sequence.first_row + first) * width + head_index * head.size;
  const int64_t stride = place_queries(w, head, rows, [&](int64_t i, uint16_t* to) {
    for (int64_t j = 0; j < head.size; ++j) to[j] = f32_to_bf16(args.queries.as<float>()[offset + i * width + j]);
  });
  Queries q{.head = head,
            .rows = w.queries.data(),
            .stride = stride,
            .count = rows,
            .scale = args.scale,
            .pages = w.pages.data(),
            .value_offset = head.key_words(),
            .keys = seen,
            .first_visible = sequence.position + first + 1};
  if (args.window > 0) {
    q.hidden_from = sequence.prompt;
    q.hidden_to = q.first_visible - args.window;
  }
  attend(q, w.scratch, w.result.data());
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(w.result.data() + i * head.width(), head.size, args.out.as<float>() + offset + i * width);
}

}  // namespace lectern::cpu::bf16
LECTERN_AVX512_END

#else
namespace lectern::cpu::bf16 {
CacheFormat cache_format(int, int) { return {}; }
void write_kv(const WriteKvArgs&) {}
void attend_rows(const PagedAttentionArgs&, const SequenceRows&, int64_t, int64_t, int64_t) {}
}  // namespace lectern::cpu::bf16
#endif
