// Attention of encoders on bf16.
#include <hwy/detect_compiler_arch.h>

#include "device/cpu/attention/bf16_attention.h"

#if HWY_ARCH_X86_64
#include "core/threads.h"
#include "device/cpu/attention/bf16_attention-inl.h"
#include "device/cpu/attention/encoder_regions.h"
#include "device/device.h"

LECTERN_BF16_BEGIN
namespace lectern::cpu::bf16 {
namespace {

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

// The biases of a block of queries in the memory of one thread.
struct Biases {
  std::vector<float> height, width;
  std::vector<const float*> height_rows, width_rows;
};
Biases& biases() {
  static thread_local Biases place;
  return place;
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
    Biases& b = biases();
    multiply_table(q, tables->height, b.height, b.height_rows);
    multiply_table(q, tables->width, b.width, b.width_rows);
    for (int64_t i = 0; i < rows; ++i) {
      b.height_rows[static_cast<size_t>(i)] -= (first + i) / columns;
      b.width_rows[static_cast<size_t>(i)] -= (first + i) % columns;
    }
    q.height = b.height_rows.data();
    q.width = b.width_rows.data();
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

}  // namespace lectern::cpu::bf16
LECTERN_AVX512_END

#else
namespace lectern::cpu::bf16 {
void encoder_attention(Device&, const AttentionArgs&) {}
}  // namespace lectern::cpu::bf16
#endif
