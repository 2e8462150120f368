// Attention of an encoder from its parts. Queries are worked on in blocks, so that only a block's scores exist.
#include <algorithm>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

constexpr int64_t max_scores = int64_t{1} << 23;  // of a block: 32 MiB

// How a view falls into windows; one window of the whole view where there are none.
struct Windows {
  explicit Windows(const AttentionArgs& args)
      : height(args.qkv.shape[1]),
        width(args.qkv.shape[2]),
        rows(args.window > 0 ? args.window : height),
        columns(args.window > 0 ? args.window : width),
        down((height + rows - 1) / rows),
        across((width + columns - 1) / columns),
        heads(args.heads),
        kv_heads(args.key_heads()),
        size(args.head_size()),
        channels(heads * size),
        place(args.qkv.shape[3]) {}

  int64_t height, width;  // of the view
  int64_t rows, columns;  // of a window
  int64_t down, across;   // windows
  int64_t heads, kv_heads, size;
  int64_t channels;  // of the queries of a place
  int64_t place;     // channels of a place: its queries, keys and values
  int64_t sharing() const { return heads / kv_heads; }
  int64_t places() const { return rows * columns; }
  int64_t groups() const { return down * across * heads; }  // what attends to itself
  bool fits() const { return down * rows == height && across * columns == width; }
  Shape by_group(int64_t count) const { return {down, across * count, rows, columns, size}; }  // of heads
  Shape of_line(int64_t count) const { return {across, count, rows, columns, size}; }          // of windows
};

// The channels of `heads` heads from `first` on, of a picture [height, width, place]
// -> [down, across * heads, rows, columns, size], f32.
Tensor split(Device& device, const Windows& w, const TensorView& picture, int64_t first, int64_t heads) {
  const int64_t line = w.across * w.columns * w.place;
  Tensor result(device, DataType::f32, w.by_group(heads));
  for (int64_t y = 0; y < w.down; ++y) {
    const StridedView from(picture, y * w.rows * line + first, w.of_line(heads),
                           {w.columns * w.place, w.size, line, w.place, 1});
    device.copy({from, result.view().slice(y, 1).reshaped(w.of_line(heads))});
  }
  return result;
}

// The inverse, for one part and a picture [height, width, channels].
void join(Device& device, const Windows& w, const Tensor& groups, const MutableTensorView& picture) {
  const int64_t line = w.across * w.columns * w.channels;
  for (int64_t y = 0; y < w.down; ++y) {
    const MutableStridedView to(picture, y * w.rows * line, w.of_line(w.heads),
                                {w.columns * w.channels, w.size, line, w.channels, 1});
    device.copy({groups.view().slice(y, 1).reshaped(w.of_line(w.heads)), to});
  }
}

// A view [height, width, channels] with `padding` [channels] on the right and below, f32.
Tensor pad(Device& device, const Windows& w, const TensorView& view, const TensorView& padding) {
  const int64_t channels = view.shape[2];
  const int64_t line = w.across * w.columns * channels;
  Tensor result(device, DataType::f32, {w.down * w.rows, w.across * w.columns, channels});
  device.copy({repeated(padding, result.shape(), {0, 0, 1}), result});
  device.copy({view, MutableStridedView(result, 0, view.shape, {line, channels, 1})});
  return result;
}

// table [2 * extent - 1, size] -> [extent, extent, size]: of every query's line or column, what every key's adds.
Tensor relative(Device& device, const TensorView& table, int64_t extent) {
  std::vector<int32_t> indices;
  for (int64_t query = 0; query < extent; ++query) {
    for (int64_t key = 0; key < extent; ++key) indices.push_back(static_cast<int32_t>(query - key + extent - 1));
  }
  Tensor result(device, DataType::f32, {extent * extent, table.shape[1]});
  device.gather_rows({table, from_host(device, indices), result});
  return result;
}

// Both parts of the bias of every query: [groups, rows, columns, rows] and [groups, rows, columns, columns].
struct Bias {
  Tensor down, across;
};

Bias bias_of(Device& device, const Windows& w, const Tensor& queries, const Tensor& lines, const Tensor& columns) {
  const int64_t n = w.groups();
  const int64_t line = w.columns * w.size;
  const int64_t group = w.rows * line;
  Bias bias = {Tensor(device, DataType::f32, {n, w.rows, w.columns, w.rows}),
               Tensor(device, DataType::f32, {n, w.rows, w.columns, w.columns})};
  device.batched_matmul({StridedView(queries, 0, {n, w.rows, w.columns, w.size}, {group, line, w.size, 1}),
                         repeated(lines, {n, w.rows, w.rows, w.size}, {0, w.rows * w.size, w.size, 1}), bias.down});
  const Tensor by_column(device, DataType::f32, {n, w.columns, w.rows, w.columns});
  device.batched_matmul({StridedView(queries, 0, {n, w.columns, w.rows, w.size}, {group, w.size, line, 1}),
                         repeated(columns, {n, w.columns, w.columns, w.size}, {0, w.columns * w.size, w.size, 1}),
                         by_column});
  device.copy(
      {StridedView(by_column, 0, bias.across.shape(), {w.places() * w.columns, w.columns, w.rows * w.columns, 1}),
       bias.across});
  return bias;
}

// [count, places]: what hides from places first .. first + count - 1 those that they do not see.
Tensor causal_mask(Device& device, const AttentionArgs& args, int64_t first, int64_t count, int64_t places) {
  std::vector<float> values(static_cast<size_t>(count * places), 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = std::max(args.prefix, first + i + 1); j < places; ++j)
      values[static_cast<size_t>(i * places + j)] = invisible;
  }
  return from_host(device, values, {count, places});
}

// Replaces the queries, block by block, by what they see.
void attend(Device& device, const Windows& w, const AttentionArgs& args, const Tensor& queries, const Tensor& keys,
            const Tensor& values, const Bias& bias) {
  const int64_t n = w.groups();
  const int64_t sharing = w.sharing();
  const int64_t places = w.places();
  const int64_t group = places * w.size;
  const int64_t block = std::clamp<int64_t>(max_scores / (n * places), 1, places);
  for (int64_t first = 0; first < places; first += block) {
    const int64_t count = std::min(block, places - first);
    const Tensor scores(device, DataType::f32, {n / sharing, sharing, count, places});
    const Shape block_shape = {n / sharing, sharing, count, w.size};
    const MutableStridedView own(queries, first * w.size, block_shape, {sharing * group, group, w.size, 1});
    device.batched_matmul(
        {own, StridedView(keys, 0, {n / sharing, sharing, places, w.size}, {group, 0, w.size, 1}), scores});
    device.multiply({.a = scores, .number = args.scale, .out = scores});
    if (bias.down) {
      const Shape split = {n, count, w.rows, w.columns};
      const MutableTensorView by_place = scores.view().reshaped(split);
      device.add({.a = by_place,
                  .b = StridedView(bias.down, first * w.rows, split, {places * w.rows, w.rows, 1, 0}),
                  .out = by_place});
      device.add({.a = by_place,
                  .b = StridedView(bias.across, first * w.columns, split, {places * w.columns, w.columns, 0, 1}),
                  .out = by_place});
    }
    if (args.causal) {
      const Tensor mask = causal_mask(device, args, first, count, places);
      device.add({.a = scores, .b = broadcast(mask, scores.shape()), .out = scores});
    }
    device.softmax({scores, scores});
    const Tensor seen(device, DataType::f32, block_shape);
    device.batched_matmul(
        {scores, StridedView(values, 0, {n / sharing, sharing, w.size, places}, {group, 0, 1, w.size}), seen});
    device.copy({seen, own});
  }
}

}  // namespace

void attention(Device& device, const AttentionArgs& args) {
  const Windows w(args);
  Tensor lines;
  Tensor columns;
  if (args.relative_height) {
    lines = relative(device, args.relative_height, w.rows);
    columns = relative(device, args.relative_width, w.columns);
  }
  for (int64_t i = 0; i < args.qkv.shape[0]; ++i) {
    TensorView view = args.qkv.slice(i, 1).reshaped({w.height, w.width, w.place});
    Tensor padded;
    if (!w.fits()) view = padded = pad(device, w, view, args.padding);
    const Tensor queries = split(device, w, view, 0, w.heads);
    const Tensor keys = split(device, w, view, w.channels, w.kv_heads);
    const Tensor values = split(device, w, view, w.channels + w.kv_heads * w.size, w.kv_heads);
    const Bias bias = lines ? bias_of(device, w, queries, lines, columns) : Bias();
    attend(device, w, args, queries, keys, values, bias);
    const MutableTensorView out = args.out.slice(i, 1).reshaped({w.height, w.width, w.channels});
    if (w.fits()) {
      join(device, w, queries, out);
      continue;
    }
    const Tensor whole(device, DataType::f32, {w.down * w.rows, w.across * w.columns, w.channels});
    join(device, w, queries, whole);
    device.copy({StridedView(whole, 0, out.shape, {whole.shape()[1] * w.channels, w.channels, 1}), out});
  }
}

}  // namespace lectern::lowering
