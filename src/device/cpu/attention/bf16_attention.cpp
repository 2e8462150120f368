// Attention on bf16 with AVX512-BF16: of encoders, and over the paged cache. As in attention-inl.h no row of scores is
// ever held in full: the softmax goes on from one stretch of 256 keys to the next.
//
// Keys and values of one head lie in pages of 64 places, in the layout of panels.h:
//   keys    [4 panels of 16 places][pairs of the head's dimensions][16 words]
//   values  [panels of 16 dimensions][32 pairs of places][16 words]
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/attention/bf16_attention.h"

#if HWY_ARCH_X86_64
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "device/cpu/attention/encoder_regions.h"
#include "device/cpu/matmul/bf16-inl.h"
#include "device/step_batch.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {
namespace {

constexpr int64_t places_of_page = page_tokens;
constexpr int64_t panel_places = 16;
constexpr int64_t stretch = 4 * places_of_page;  // keys between two corrections of the softmax
constexpr int64_t query_block = attention_rows;
constexpr float log2_e = 1.44269504f;

// Sizes that follow from the size of a head.
struct HeadLayout {
  explicit HeadLayout(int64_t head_size)
      : size(head_size), pairs((head_size + 1) / 2), panels((head_size + panel_places - 1) / panel_places) {}
  int64_t key_words() const { return places_of_page * pairs; }  // of a page
  int64_t value_words() const { return panels * panel_places * places_of_page / 2; }
  int64_t page_words() const { return key_words() + value_words(); }
  int64_t width() const { return panels * panel_places; }  // of a row of results

  int64_t size, pairs, panels;
};

// 2^x for x <= 0 or not a number.
inline __m512 power_of_two(__m512 x) {
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-150.0f), x);  // in this order NaN stays
  const __m512 whole = _mm512_roundscale_ps(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_sub_ps(bounded, whole);
  // The Taylor series of e^(x ln 2): 2e-7 at half a unit.
  __m512 sum = _mm512_set1_ps(1.540353e-4f);
  for (const float factor : {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f})
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(factor));
  return _mm512_scalef_ps(sum, whole);
}

// The first `count` of 16 lanes.
inline __mmask16 mask_of(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

// Up to query_block queries of one head against the keys of some pages.
struct Queries {
  const HeadLayout& head;
  const uint16_t* rows = nullptr;  // bf16 [count, stride], zero beyond the head's size up to whole pairs
  int64_t stride = 0;
  int64_t count = 0;
  float scale = 1;
  const uint32_t* const* pages = nullptr;  // keys, then at value_offset words the values
  int64_t value_offset = 0;
  int64_t keys = 0;
  // Row i sees the first min(keys, max(min_visible, first_visible + i)) keys, less those from hidden_from on and
  // before hidden_to + i. Pages that no row sees are not read.
  int64_t first_visible = std::numeric_limits<int64_t>::max() / 2;
  int64_t min_visible = 0;
  int64_t hidden_from = 0;
  int64_t hidden_to = std::numeric_limits<int64_t>::min() / 2;
  // Added to the scaled score of row i and key j, in units of log2 e: height[i][j / grid] + width[i][j % grid].
  const float* const* height = nullptr;
  const float* const* width = nullptr;
  int64_t grid = 1;
};

struct Scratch {
  alignas(64) float scores[query_block * stretch];
  alignas(64) uint16_t weights[query_block * stretch];
  float largest[query_block];
  float total[query_block];
};

// row of scores [from, to) += bias of the keys first + from ..
inline void add_bias(const Queries& q, int64_t row, int64_t first, int64_t count, float* scores) {
  int64_t line = first / q.grid;
  int64_t column = first % q.grid;
  for (int64_t at = 0; at < count; ++line, column = 0) {
    const int64_t run = std::min(q.grid - column, count - at);
    const __m512 of_line = _mm512_set1_ps(q.height[row][line]);
    for (int64_t j = 0; j < run; j += 16) {
      const __mmask16 mask = mask_of(run - j);
      const __m512 bias = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, q.width[row] + column + j), of_line);
      _mm512_mask_storeu_ps(scores + at + j, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, scores + at + j), bias));
    }
    at += run;
  }
}

// One row of scores becomes weights in bf16; result is scaled so that older weights agree.
inline void soften(const Queries& q, int64_t row, int64_t first, int64_t count, int64_t padded, Scratch& scratch,
                   float* result) {
  float* const scores = scratch.scores + row * stretch;
  uint16_t* const weights = scratch.weights + row * stretch;
  const int64_t visible = std::clamp<int64_t>(std::max(q.min_visible, q.first_visible + row) - first, 0, count);
  // Of the visible ones, those from hide_from on and before hide_to are hidden.
  const int64_t hide_from = std::clamp<int64_t>(q.hidden_from - first, 0, visible);
  const int64_t hide_to = std::clamp<int64_t>(q.hidden_to + row - first, hide_from, visible);
  const auto mask_at = [&](int64_t j) {
    return static_cast<__mmask16>(mask_of(visible - j) & ~(mask_of(hide_to - j) & ~mask_of(hide_from - j)));
  };
  if (hide_to - hide_from == visible) {
    std::fill_n(weights, padded, uint16_t{0});
    return;
  }
  const __m512 scale = _mm512_set1_ps(q.scale * log2_e);
  for (int64_t j = 0; j < visible; j += 16)
    _mm512_storeu_ps(scores + j, _mm512_mul_ps(_mm512_loadu_ps(scores + j), scale));
  if (q.height != nullptr) add_bias(q, row, first, visible, scores);
  const __m512 nothing = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 most = nothing;
  for (int64_t j = 0; j < visible; j += 16)
    most = _mm512_max_ps(most, _mm512_mask_loadu_ps(nothing, mask_at(j), scores + j));
  const float peak = std::max(scratch.largest[row], _mm512_reduce_max_ps(most));
  const __m512 shift = _mm512_set1_ps(peak);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < padded; j += 16) {
    const __mmask16 mask = mask_at(j);
    const __m512 power = power_of_two(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, scores + j), shift));
    const __m256i bits = narrow(_mm512_maskz_mov_ps(mask, power));
    sum = _mm512_add_ps(sum, widen(bits));  // of the weights as they are multiplied
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), bits);
  }
  const float kept = std::exp2(scratch.largest[row] - peak);
  scratch.total[row] = scratch.total[row] * kept + _mm512_reduce_add_ps(sum);
  scratch.largest[row] = peak;
  if (kept == 1.0f) return;
  for (int64_t j = 0; j < q.head.width(); j += 16)
    _mm512_storeu_ps(result + j, _mm512_mul_ps(_mm512_loadu_ps(result + j), _mm512_set1_ps(kept)));
}

// out [rows, columns] (+)= x [rows, 2 * pairs] times panels that lie panel_words apart.
template <bool add>
inline void multiply(const uint16_t* x, int64_t stride, int64_t rows, const uint32_t* panels, int64_t panel_words,
                     int64_t count, int64_t pairs, float* out, int64_t out_stride) {
  for (int64_t panel = 0; panel < count; panel += 2) {
    const bool two = panel + 1 < count;
    const auto* first = reinterpret_cast<const __m512i*>(panels + panel * panel_words);
    const auto* second = two ? reinterpret_cast<const __m512i*>(panels + (panel + 1) * panel_words) : first;
    const __m512i* both[2] = {first, second};
    for (int64_t row = 0; row < rows; row += tile_rows) {
      const int64_t some = std::min<int64_t>(tile_rows, rows - row);
      float* const to = out + row * out_stride + panel * panel_places;
      if (two) {
        multiply_tile_rows<2, add>(some, x + row * stride, stride, both, pairs, to, out_stride);
      } else {
        multiply_tile_rows<1, add>(some, x + row * stride, stride, both, pairs, to, out_stride);
      }
    }
  }
}

// result [count, head.width()]
void attend(const Queries& q, Scratch& scratch, float* result) {
  std::fill_n(scratch.largest, q.count, -std::numeric_limits<float>::infinity());
  std::fill_n(scratch.total, q.count, 0.0f);
  std::fill_n(result, q.count * q.head.width(), 0.0f);
  const int64_t last = std::min(q.keys, std::max(q.min_visible, q.first_visible + q.count - 1));
  for (int64_t first = 0; first < last; first += stretch) {
    const int64_t count = std::min(stretch, last - first);
    const int64_t padded = (count + panel_places - 1) / panel_places * panel_places;
    const auto is_hidden = [&](int64_t at) {  // from the first row, so from all
      return first + at >= q.hidden_from && first + std::min(at + places_of_page, count) <= q.hidden_to;
    };
    for (int64_t at = 0; at < count; at += places_of_page) {
      if (is_hidden(at)) continue;
      const int64_t panels = std::min(places_of_page, padded - at) / panel_places;
      multiply<false>(q.rows, q.stride, q.count, q.pages[(first + at) / places_of_page], q.head.pairs * panel_places,
                      panels, q.head.pairs, scratch.scores + at, stretch);
    }
    for (int64_t row = 0; row < q.count; ++row)
      soften(q, row, first, count, padded, scratch, result + row * q.head.width());
    for (int64_t at = 0; at < count; at += places_of_page) {
      if (is_hidden(at)) continue;
      // Pairs of places beyond `count` may never have been written: they are not multiplied, whatever their weight.
      // Those that a row does not see have weight 0, and change it by nothing but the sign of a zero.
      const int64_t pairs = (std::min(places_of_page, count - at) + 1) / 2;
      multiply<true>(scratch.weights + at, stretch, q.count, q.pages[(first + at) / places_of_page] + q.value_offset,
                     panel_places * places_of_page / 2, q.head.panels, pairs, result, q.head.width());
    }
  }
  for (int64_t row = 0; row < q.count; ++row) {
    const __m512 factor = _mm512_set1_ps(1.0f / scratch.total[row]);
    float* const out = result + row * q.head.width();
    for (int64_t j = 0; j < q.head.width(); j += 16)
      _mm512_storeu_ps(out + j, _mm512_fmadd_ps(_mm512_loadu_ps(out + j), factor, _mm512_setzero_ps()));  // no -0
  }
}

// Writes one place of a page; `key` and `value` are [head size]. The partner of a place's pair must be finite when it
// is read: an even place makes it zero.
void write_place(const HeadLayout& head, const uint16_t* key, const uint16_t* value, int64_t slot, uint32_t* keys,
                 uint32_t* values) {
  uint32_t* const to = keys + slot / panel_places * head.pairs * panel_places + slot % panel_places;
  for (int64_t i = 0; i < head.pairs; ++i) {
    const uint32_t high = 2 * i + 1 < head.size ? key[2 * i + 1] : 0;
    to[i * panel_places] = key[2 * i] | high << 16;
  }
  for (int64_t i = 0; i < head.width(); ++i) {
    uint32_t& word = values[(i / panel_places * places_of_page / 2 + slot / 2) * panel_places + i % panel_places];
    const uint32_t bits = i < head.size ? value[i] : 0;
    word = slot % 2 == 0 ? bits : (word & 0xffffu) | bits << 16;
  }
}

// Asks for the memory that write_place writes: a line for every pair of dimensions. Since the last step the weights
// have driven it out of the caches, and one line after the other it would take as long as a tenth of the step.
void prefetch_place(const HeadLayout& head, int64_t slot, const uint32_t* keys, const uint32_t* values) {
  const uint32_t* const key = keys + slot / panel_places * head.pairs * panel_places;
  for (int64_t i = 0; i < head.pairs; ++i) __builtin_prefetch(key + i * panel_places, 1);
  for (int64_t i = 0; i < head.panels; ++i)
    __builtin_prefetch(values + (i * places_of_page / 2 + slot / 2) * panel_places, 1);
}

// The table of relative positions as panels: distances falling, so that the biases of a query at place p with the
// keys 0 .. extent - 1 lie in a row, from extent - 1 - p on.
struct RelativePanels {
  RelativePanels(const TensorView& table, int64_t places, const HeadLayout& head)
      : extent(places), panels((2 * places - 1 + panel_places - 1) / panel_places) {
    words.resize(static_cast<size_t>(panels * head.pairs * panel_places));
    const float* values = table.as<float>();
    for (int64_t t = 0; t < 2 * extent - 1; ++t) {
      const float* line = values + (2 * extent - 2 - t) * head.size;
      for (int64_t i = 0; i < head.size; ++i) {
        words[static_cast<size_t>((t / panel_places * head.pairs + i / 2) * panel_places + t % panel_places)] |=
            static_cast<uint32_t>(f32_to_bf16(line[i])) << (16 * (i % 2));
      }
    }
  }
  int64_t stride() const { return panels * panel_places; }

  int64_t extent, panels;
  std::vector<uint32_t> words;
};

struct Tables {
  RelativePanels height, width;
};

// Memory of one thread.
struct Workplace {
  Scratch scratch;
  std::vector<uint16_t> queries;
  std::vector<float> result, height, width;
  std::vector<const float*> height_rows, width_rows;
  std::vector<const uint32_t*> pages;
};
Workplace& workplace() {
  static thread_local Workplace place;
  return place;
}

// Queries of a block, zero up to whole pairs, and room for their results; fill(i, to) writes query i. -> their stride
template <typename Fill>
int64_t place_queries(Workplace& w, const HeadLayout& head, int64_t rows, const Fill& fill) {
  const int64_t stride = 2 * head.pairs;
  w.queries.resize(static_cast<size_t>(query_block * stride));
  w.result.resize(static_cast<size_t>(query_block * head.width()));
  for (int64_t i = 0; i < rows; ++i) {
    uint16_t* const to = w.queries.data() + i * stride;
    fill(i, to);
    std::fill(to + head.size, to + stride, uint16_t{0});
  }
  return stride;
}

// The biases of every query with all distances, in units of log2 e; starts[i] is where place 0's begin.
void multiply_table(const Queries& q, const RelativePanels& table, std::vector<float>& values,
                    std::vector<const float*>& starts) {
  values.resize(static_cast<size_t>(query_block * table.stride()));
  starts.resize(static_cast<size_t>(query_block));
  multiply<false>(q.rows, q.stride, q.count, table.words.data(), q.head.pairs * panel_places, table.panels,
                  q.head.pairs, values.data(), table.stride());
  for (int64_t i = 0; i < q.count; ++i) {
    float* const row = values.data() + i * table.stride();
    for (int64_t j = 0; j < table.stride(); j += 16)
      _mm512_storeu_ps(row + j, _mm512_mul_ps(_mm512_loadu_ps(row + j), _mm512_set1_ps(log2_e)));
    starts[static_cast<size_t>(i)] = row + table.extent - 1;
  }
}

// One head of places first .. first + rows - 1 of a region against all of it.
void attend_places(const AttentionArgs& args, const EncoderRegions& l, const EncoderRegions::Region& region,
                   int64_t head_index, const HeadLayout& head, const Tables* tables, const uint32_t* packed,
                   int64_t first, int64_t rows, int64_t columns) {
  Workplace& w = workplace();
  const auto offset = [&](int64_t index) {
    const int64_t place = first + index;
    return (region.view * l.height + region.top + place / columns) * l.width + region.left + place % columns;
  };
  const int64_t stride = place_queries(w, head, rows, [&](int64_t i, uint16_t* to) {
    std::copy_n(args.qkv.as<uint16_t>() + offset(i) * l.stride + head_index * head.size, head.size, to);
  });
  w.pages.resize(static_cast<size_t>(l.pages()));
  for (int64_t i = 0; i < l.pages(); ++i) w.pages[static_cast<size_t>(i)] = packed + i * head.page_words();
  Queries q{.head = head,
            .rows = w.queries.data(),
            .stride = stride,
            .count = rows,
            .scale = args.scale,
            .pages = w.pages.data(),
            .value_offset = head.key_words(),
            .keys = l.keys,
            .grid = l.columns};
  if (args.causal) {
    q.first_visible = first + 1;
    q.min_visible = args.prefix;
  }
  if (tables != nullptr) {
    multiply_table(q, tables->height, w.height, w.height_rows);
    multiply_table(q, tables->width, w.width, w.width_rows);
    for (int64_t i = 0; i < rows; ++i) {
      w.height_rows[static_cast<size_t>(i)] -= (first + i) / columns;
      w.width_rows[static_cast<size_t>(i)] -= (first + i) % columns;
    }
    q.height = w.height_rows.data();
    q.width = w.width_rows.data();
  }
  attend(q, w.scratch, w.result.data());
  for (int64_t i = 0; i < rows; ++i) {
    uint16_t* const to = args.out.as<uint16_t>() + offset(i) * l.channels + head_index * head.size;
    for (int64_t j = 0; j < head.size; j += 16) {
      const __mmask16 mask = mask_of(head.size - j);
      _mm256_mask_storeu_epi16(to + j, mask, narrow(_mm512_loadu_ps(w.result.data() + i * head.width() + j)));
    }
  }
}

}  // namespace

void encoder_attention(Device& device, const AttentionArgs& args) {
  const EncoderRegions l(args);
  const HeadLayout head(l.head_size);
  const std::vector<EncoderRegions::Region> regions = l.regions();
  std::vector<Tables> tables;  // none or one
  if (args.relative_height)
    tables.push_back(
        {RelativePanels(args.relative_height, l.rows, head), RelativePanels(args.relative_width, l.columns, head)});
  std::vector<uint16_t> padding(args.padding ? static_cast<size_t>(l.stride) : 0);
  for (size_t i = 0; i < padding.size(); ++i) padding[i] = f32_to_bf16(args.padding.as<float>()[i]);

  const int64_t kv_units = static_cast<int64_t>(regions.size()) * l.kv_heads;
  const int64_t unit_words = l.pages() * head.page_words();
  const Tensor packed(device, DataType::i32, {kv_units, unit_words});
  parallel_for(kv_units, [&](int64_t unit) {
    const EncoderRegions::Region& region = regions[static_cast<size_t>(unit / l.kv_heads)];
    const int64_t first = unit % l.kv_heads * head.size;
    auto* const pages = packed.view().as<uint32_t>() + unit * unit_words;
    for (int64_t j = 0; j < l.keys; ++j) {
      const uint16_t* const place = l.place<uint16_t>(args, region, j, padding.data()) + first;
      uint32_t* const page = pages + j / places_of_page * head.page_words();
      write_place(head, place + l.channels, place + l.channels + l.kv_channels, j % places_of_page, page,
                  page + head.key_words());
    }
  });
  const int64_t units = kv_units * l.sharing;
  const int64_t blocks = (l.keys + query_block - 1) / query_block;
  parallel_for(units * blocks, [&](int64_t task) {
    const int64_t unit = task / blocks;
    const EncoderRegions::Region& region = regions[static_cast<size_t>(unit / args.heads)];
    // Places of the region that are in the view; the others are keys only.
    const int64_t columns = std::min(l.columns, l.width - region.left);
    const int64_t places = std::min(l.rows, l.height - region.top) * columns;
    const int64_t first = task % blocks * query_block;
    if (first >= places) return;
    attend_places(args, l, region, unit % args.heads, head, tables.empty() ? nullptr : tables.data(),
                  packed.view().as<uint32_t>() + unit / l.sharing * unit_words, first,
                  std::min(query_block, places - first), columns);
  });
}

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
void encoder_attention(Device&, const AttentionArgs&) {}
CacheFormat cache_format(int, int) { return {}; }
void write_kv(const WriteKvArgs&) {}
void attend_rows(const PagedAttentionArgs&, const SequenceRows&, int64_t, int64_t, int64_t) {}
}  // namespace lectern::cpu::bf16
#endif
