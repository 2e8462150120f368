// Attention within a view or its windows, with decomposed relative positions.
#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "device/cpu/attention/bf16_attention.h"
#include "device/cpu/attention/encoder_regions.h"
#include "device/cpu/kernels.h"
#include "device/device.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/encoder_attention.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "device/cpu/attention/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lectern::cpu::HWY_NAMESPACE {

// How one head of a region is laid out.
struct Layout : EncoderRegions {
  explicit Layout(const AttentionArgs& args)
      : EncoderRegions(args),
        value_stride(padded(head_size)),
        key_blocks(pages()),
        block_size(page_tokens * (head_size + value_stride)) {}

  int64_t value_stride;
  int64_t key_blocks;
  int64_t block_size;  // floats of a block's keys and values
};
using Region = EncoderRegions::Region;

// Keys, transposed, and values of one kv head of one region, in blocks.
void pack(const AttentionArgs& args, const Layout& l, const Region& region, int64_t head, float* blocks) {
  for (int64_t j = 0; j < l.key_blocks * page_tokens; ++j) {
    float* keys = blocks + j / page_tokens * l.block_size + j % page_tokens;
    float* values =
        blocks + j / page_tokens * l.block_size + page_tokens * l.head_size + j % page_tokens * l.value_stride;
    const float* place = j < l.keys ? l.place(args, region, j, args.padding.as<float>()) + head * l.head_size : nullptr;
    for (int64_t i = 0; i < l.head_size; ++i) {
      keys[i * page_tokens] = place != nullptr ? place[l.channels + i] : 0;
      values[i] = place != nullptr ? place[l.channels + l.kv_channels + i] : 0;
    }
    std::fill(values + l.head_size, values + l.value_stride, 0.0f);
  }
}

// table [2 * extent - 1, head size] -> [head size, stride]: transposed, distances falling, so that the biases of a
// query at place p with the keys 0 .. extent - 1 are a product with the columns from extent - 1 - p on.
struct RelativeTable {
  RelativeTable(const TensorView& table, int64_t places)
      : extent(places), stride(padded(2 * places - 1 + vector_padding)) {
    const int64_t size = table.shape[1];
    values.resize(static_cast<size_t>(size * stride));
    for (int64_t t = 0; t < 2 * extent - 1; ++t) {
      for (int64_t i = 0; i < size; ++i)
        values[static_cast<size_t>(i * stride + t)] = table.as<float>()[(2 * extent - 2 - t) * size + i];
    }
  }
  const float* of_place(int64_t place) const { return values.data() + extent - 1 - place; }

  int64_t extent, stride;
  std::vector<float> values;
};

struct RelativeTables {
  RelativeTable height, width;
};

// One head of some places of a region (y, x within the region) against all of the region.
void attend_places(const AttentionArgs& args, const Layout& l, const Region& region, int64_t head,
                   const RelativeTables* tables, const float* const* keys, const float* const* values, int64_t first,
                   int64_t rows, int64_t columns) {
  static thread_local std::vector<float> queries, height_bias, width_bias, result;
  const int64_t height_stride = padded(l.rows);
  const int64_t width_stride = padded(l.columns) + vector_padding;
  queries.resize(static_cast<size_t>(query_block * l.head_size));
  result.resize(static_cast<size_t>(query_block * l.value_stride));
  height_bias.resize(static_cast<size_t>(query_block * height_stride));
  width_bias.resize(static_cast<size_t>(query_block * width_stride));
  const auto offset = [&](int64_t index) {
    const int64_t place = first + index;
    return ((region.view * l.height + region.top + place / columns) * l.width + region.left + place % columns);
  };
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(args.qkv.as<float>() + offset(i) * l.stride + head * l.head_size, l.head_size,
                queries.data() + i * l.head_size);
  }
  if (tables != nullptr) {
    for (int64_t i = 0; i < rows;) {  // a line of places shares its slice of the table of heights
      const int64_t line = (first + i) / columns;
      const int64_t run = std::min((line + 1) * columns - first - i, rows - i);
      product<false>(queries.data() + i * l.head_size, l.head_size, tables->height.of_place(line),
                     tables->height.stride, height_bias.data() + i * height_stride, height_stride, run, height_stride,
                     l.head_size);
      i += run;
    }
    for (int64_t i = 0; i < rows; ++i) {
      product<false>(queries.data() + i * l.head_size, l.head_size, tables->width.of_place((first + i) % columns),
                     tables->width.stride, width_bias.data() + i * width_stride, width_stride, 1, padded(l.columns),
                     l.head_size);
    }
  }
  QueryBlock block;
  block.queries = queries.data();
  block.query_stride = l.head_size;
  block.rows = rows;
  block.head_size = l.head_size;
  block.scale = args.scale;
  block.keys = keys;
  block.values = values;
  block.value_stride = l.value_stride;
  block.key_count = l.keys;
  if (args.causal) {
    block.first_visible = first + 1;
    block.min_visible = args.prefix;
  }
  block.height_bias = tables != nullptr ? height_bias.data() : nullptr;
  block.width_bias = width_bias.data();
  block.height_stride = height_stride;
  block.width_stride = width_stride;
  block.grid_width = l.columns;
  attend(block, result.data());
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(result.data() + i * l.value_stride, l.head_size,
                args.out.as<float>() + offset(i) * l.channels + head * l.head_size);
  }
}

void encoder_attention(Device& device, const AttentionArgs& args) {
  const Layout l(args);
  const std::vector<Region> regions = l.regions();
  std::vector<RelativeTables> tables;  // none or one
  if (args.relative_height)
    tables.push_back({RelativeTable(args.relative_height, l.rows), RelativeTable(args.relative_width, l.columns)});
  const int64_t kv_units = static_cast<int64_t>(regions.size()) * l.kv_heads;
  const Tensor packed(device, DataType::f32, {kv_units, l.key_blocks, l.block_size});
  parallel_for(kv_units, [&](int64_t unit) {
    pack(args, l, regions[static_cast<size_t>(unit / l.kv_heads)], unit % l.kv_heads,
         packed.floats() + unit * l.key_blocks * l.block_size);
  });
  const int64_t units = kv_units * l.sharing;
  const int64_t blocks = (l.keys + query_block - 1) / query_block;
  parallel_for(units * blocks, [&](int64_t task) {
    const int64_t unit = task / blocks;
    const Region& region = regions[static_cast<size_t>(unit / args.heads)];
    // Places of the region that are in the view; the others are keys only.
    const int64_t columns = std::min(l.columns, l.width - region.left);
    const int64_t places = std::min(l.rows, l.height - region.top) * columns;
    const int64_t first = task % blocks * query_block;
    if (first >= places) return;
    static thread_local std::vector<const float*> keys, values;
    keys.resize(static_cast<size_t>(l.key_blocks));
    values.resize(static_cast<size_t>(l.key_blocks));
    for (int64_t b = 0; b < l.key_blocks; ++b) {
      const float* start = packed.floats() + (unit / l.sharing * l.key_blocks + b) * l.block_size;
      keys[static_cast<size_t>(b)] = start;
      values[static_cast<size_t>(b)] = start + page_tokens * l.head_size;
    }
    attend_places(args, l, region, unit % args.heads, tables.empty() ? nullptr : tables.data(), keys.data(),
                  values.data(), first, std::min(query_block, places - first), columns);
  });
}

}  // namespace lectern::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lectern::cpu {
HWY_EXPORT(encoder_attention);

void attention(Device& device, const AttentionArgs& args) {
  if (args.qkv.type == DataType::bf16) {
    bf16::encoder_attention(device, args);
  } else {
    HWY_DYNAMIC_DISPATCH(encoder_attention)(device, args);
  }
}

}  // namespace lectern::cpu
#endif
