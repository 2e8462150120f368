// What a decoder writes to the paged cache; the cache from copies, and causal attention over it. A page holds the keys
// of its positions, then the values, each [page_tokens, kv heads * head size] in f32.
#include <algorithm>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

constexpr int page_tokens = 64;
constexpr int64_t query_rows = 128;  // worked on at a time

int64_t width_of(const CacheLayer& cache) { return static_cast<int64_t>(cache.kv_heads) * cache.head_size; }

// Keys and values of a page: [2, page_tokens, width].
MutableTensorView page_of(const CacheLayer& cache, int32_t page) {
  return {cache.data + static_cast<size_t>(page) * cache.format.page_bytes,
          DataType::f32,
          {2, page_tokens, width_of(cache)}};
}

// Positions that no row of a sequence sees: from its prompt on, up to where the window of its first row begins.
struct Gap {
  Gap(const PagedAttentionArgs& args, const SequenceRows& sequence)
      : from(sequence.prompt), to(args.window > 0 ? std::max(from, sequence.position - args.window + 1) : from) {}
  int64_t size() const { return to - from; }
  int64_t from, to;
};

// Calls body(position, count, keys, values), the views of a page that hold positions position .. position + count - 1,
// for all of them from `first` on and before `last`.
template <typename Body>
void for_each_page(const CacheLayer& cache, std::span<const int32_t> pages, int64_t first, int64_t last,
                   const Body& body) {
  for (int64_t position = first; position < last;) {
    const int64_t slot = position % page_tokens;
    const int64_t count = std::min<int64_t>(page_tokens - slot, last - position);
    const MutableTensorView page = page_of(cache, pages[static_cast<size_t>(position / page_tokens)]);
    const Shape rows = {count, width_of(cache)};
    body(position, count, page.at(slot * rows[1], rows), page.at((page_tokens + slot) * rows[1], rows));
    position += count;
  }
}

// [rows, rows]: what makes every row see no place behind its own.
Tensor triangle(Device& device, int64_t rows) {
  std::vector<float> values(static_cast<size_t>(rows * rows), 0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = i + 1; j < rows; ++j) values[static_cast<size_t>(i * rows + j)] = invisible;
  }
  return from_host(device, values, {rows, rows});
}

// [rows, seen]: what hides from rows first .. first + rows - 1 of a sequence that which lies behind its window; `seen`
// positions but for the gap. Empty where nothing does.
Tensor window_mask(Device& device, const PagedAttentionArgs& args, const SequenceRows& sequence, const Gap& gap,
                   int64_t first, int64_t rows, int64_t seen) {
  const int64_t last = sequence.position + first + rows - 1;
  if (args.window <= 0 || last - args.window + 1 <= gap.to) return {};
  std::vector<float> values(static_cast<size_t>(rows * seen), 0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t begin = sequence.position + first + i - args.window + 1;  // of what the row sees behind the prompt
    for (int64_t position = gap.to; position < begin; ++position)
      values[static_cast<size_t>(i * seen + position - gap.size())] = invisible;
  }
  return from_host(device, values, {rows, seen});
}

}  // namespace

CacheFormat cache_format(int kv_heads, int head_size) {
  const size_t values =
      2 * static_cast<size_t>(page_tokens) * static_cast<size_t>(kv_heads) * static_cast<size_t>(head_size);
  return {page_tokens, values * sizeof(float), DataType::f32};
}

void project_qkv(Device& device, const ProjectQkvArgs& args) {
  const int64_t rows = args.x.shape[0];
  const DataType type = args.queries.type;
  const Tensor normed(device, type, args.x.shape);
  const Tensor k(device, type, {rows, args.k().out()});
  const Tensor v(device, type, {rows, args.v().out()});
  device.rms_norm({.in = args.x, .weight = args.norm, .epsilon = args.epsilon, .out = normed});
  device.linear({.in = normed, .weight = args.q(), .out = args.queries, .written = args.written});
  device.linear({.in = normed, .weight = args.k(), .out = k, .written = args.written});
  device.linear({.in = normed, .weight = args.v(), .out = v, .written = args.written});
  device.rope({args.queries, args.heads, args.theta, args.step});
  device.rope({k, args.cache.kv_heads, args.theta, args.step});
  device.write_kv({k, v, args.step, args.cache});
}

void write_kv(Device& device, const WriteKvArgs& args) {
  for (const SequenceRows& sequence : args.step.sequences()) {
    for_each_page(args.cache, sequence.pages, sequence.position, sequence.position + sequence.rows,
                  [&](int64_t position, int64_t count, const MutableTensorView& keys, const MutableTensorView& values) {
                    const int64_t row = sequence.first_row + position - sequence.position;
                    device.copy({args.keys.slice(row, count), keys});
                    device.copy({args.values.slice(row, count), values});
                  });
  }
}

void paged_attention(Device& device, const PagedAttentionArgs& args) {
  const int64_t kv_heads = args.cache.kv_heads;
  const int64_t sharing = args.heads / kv_heads;  // queries that share a key
  const int64_t size = args.cache.head_size;
  const int64_t width = width_of(args.cache);
  const int64_t row = args.heads * size;
  int64_t max_rows = 0;
  for (const SequenceRows& sequence : args.step.sequences()) max_rows = std::max(max_rows, sequence.rows);
  const int64_t side = std::min(query_rows, max_rows);
  const Tensor mask = side > 1 ? triangle(device, side) : Tensor();
  for (const SequenceRows& sequence : args.step.sequences()) {
    const Gap gap(args, sequence);
    const int64_t length = sequence.position + sequence.rows;
    const Tensor keys(device, DataType::f32, {length - gap.size(), width});
    const Tensor values(device, DataType::f32, {length - gap.size(), width});
    const auto collect = [&](int64_t begin, int64_t end, int64_t shift) {
      for_each_page(args.cache, sequence.pages, begin, end,
                    [&](int64_t position, int64_t count, const TensorView& page_keys, const TensorView& page_values) {
                      device.copy({page_keys, keys.view().slice(position - shift, count)});
                      device.copy({page_values, values.view().slice(position - shift, count)});
                    });
    };
    collect(0, gap.size() > 0 ? gap.from : length, 0);
    if (gap.size() > 0) collect(gap.to, length, gap.size());
    for (int64_t first = 0; first < sequence.rows; first += query_rows) {
      const int64_t rows = std::min(query_rows, sequence.rows - first);
      const int64_t seen = sequence.position + first + rows - gap.size();
      const int64_t start = (sequence.first_row + first) * row;
      const Tensor queries(device, DataType::f32, {kv_heads, sharing, rows, size});
      const Tensor scores(device, DataType::f32, {kv_heads, sharing, rows, seen});
      device.copy({StridedView(args.queries, start, queries.shape(), {sharing * size, size, row, 1}), queries});
      device.batched_matmul({queries, repeated(keys, {kv_heads, sharing, seen, size}, {size, 0, width, 1}), scores});
      device.multiply({.a = scores, .number = args.scale, .out = scores});
      if (rows > 1) {
        const Shape last = {kv_heads, sharing, rows, rows};
        const MutableStridedView own(scores, seen - rows, last, {sharing * rows * seen, rows * seen, seen, 1});
        device.add({.a = own, .b = repeated(mask, last, {0, 0, side, 1}), .out = own});
      }
      if (const Tensor hidden = window_mask(device, args, sequence, gap, first, rows, seen))
        device.add({.a = scores, .b = broadcast(hidden, scores.shape()), .out = scores});
      device.softmax({scores, scores});
      device.batched_matmul({scores, repeated(values, {kv_heads, sharing, size, seen}, {size, 0, 1, width}), queries});
      device.copy({queries, MutableStridedView(args.out, start, queries.shape(), {sharing * size, size, row, 1})});
    }
  }
}

}  // namespace lectern::lowering
