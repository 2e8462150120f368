// Attention of an encoder by the card's fused operator, with the relative bias written out for a block of queries at a
// time: whole windows or views while they fit Session::most_bias_bytes, else lines of queries of one view.
//
// It is written once and read once, by the operator behind it: a block of 64 MiB stays in the 192 MiB of level-2 cache
// of a 910B beside keys and values, and a 1024 view takes 7 blocks a global layer. docs/ascend.md has the arithmetic.
#include <algorithm>
#include <limits>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::ascend {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int32_t>::max();

// Windows along one side: those that lie within the view, and what is left of a last one.
struct Side {
  Side(int64_t extent, int64_t window) : whole(extent / window), rest(extent % window) {}
  int64_t count() const { return whole + (rest > 0 ? 1 : 0); }
  int64_t whole, rest;
};

// Some windows in a row, and how many of their places are in the view.
struct Run {
  int64_t first, count, places;
};

std::vector<Run> runs_of(const Side& side, int64_t window) {
  std::vector<Run> runs;
  if (side.whole > 0) runs.push_back({0, side.whole, window});
  if (side.rest > 0) runs.push_back({side.whole, 1, side.rest});
  return runs;
}

// How the places of the views fall into units, which attend to themselves: windows, or the views.
struct Units {
  explicit Units(const AttentionArgs& args)
      : batch(args.qkv.shape[0]),
        height(args.qkv.shape[1]),
        width(args.qkv.shape[2]),
        rows(args.window > 0 ? args.window : height),
        columns(args.window > 0 ? args.window : width),
        channels(args.qkv.shape[3] / 3),
        heads(args.heads),
        down(height, rows),
        across(width, columns) {}

  int64_t places() const { return rows * columns; }
  int64_t count() const { return batch * down.count() * across.count(); }
  bool are_views() const { return rows == height && columns == width; }
  bool reach_beyond() const { return down.rest > 0 || across.rest > 0; }

  // body(part of the units, part of the picture): the same places, seen in both. units [n, batch, down, across, rows,
  // columns, channels], picture [batch, height, width, n * channels].
  template <typename Body>
  void for_each_part(const TensorView& units, const TensorView& picture, const Body& body) const {
    const int64_t n = picture.shape[3] / channels;
    const View all(units, {n, batch, down.count(), across.count(), rows, columns, channels});
    const int64_t place = n * channels;
    for (const Run& y : runs_of(down, rows)) {
      for (const Run& x : runs_of(across, columns)) {
        const View in_units =
            all.slice(2, y.first, y.count).slice(3, x.first, x.count).slice(4, 0, y.places).slice(5, 0, x.places);
        const View in_picture = View(picture).strided(
            (y.first * rows * width + x.first * columns) * place,
            {n, batch, y.count, x.count, y.places, x.places, channels},
            {channels, height * width * place, rows * width * place, columns * place, width * place, place, 1});
        body(in_units, in_picture);
      }
    }
  }

  int64_t batch, height, width;
  int64_t rows, columns;  // of a unit
  int64_t channels, heads;
  Side down, across;
};

// qkv -> [3, units, places, channels]
Tensor split(Device& device, const Units& units, const AttentionArgs& args) {
  Session& session = session_of(device);
  Tensor parts(device, args.qkv.type, {3, units.count(), units.places(), units.channels});
  if (units.reach_beyond()) {
    const View all(parts, {3, units.batch, units.down.count(), units.across.count(), units.places(), units.channels});
    const View padding(args.padding, {3, 1, 1, 1, 1, units.channels});
    if (units.down.rest > 0) copy_view(session, all.slice(2, units.down.whole, 1), padding);
    if (units.across.rest > 0) copy_view(session, all.slice(3, units.across.whole, 1), padding);
  }
  units.for_each_part(parts, args.qkv, [&](const View& to, const View& from) { copy_view(session, to, from); });
  return parts;
}

// table [2 * extent - 1, head size] -> the same by falling distance, half.
Tensor reversed(Device& device, const TensorView& table, DataType type) {
  Session& session = session_of(device);
  const int64_t length = table.shape[0];
  const std::byte* order =
      session.constant("reversed " + std::to_string(length), static_cast<size_t>(length) * sizeof(int32_t),
                       [&](std::byte* to, size_t first, size_t count) {
                         auto* index = reinterpret_cast<int32_t*>(to);
                         for (size_t i = 0; i < count / 4; ++i)
                           index[i] = static_cast<int32_t>(length - 1) - static_cast<int32_t>(first / 4 + i);
                       });
  const Tensor turned(device, DataType::f32, table.shape);
  session.call(session.functions().index_select, View(table), int64_t{0}, View(order, ACL_INT32, {length}),
               View(turned.view()));
  Tensor result(device, type, table.shape);
  copy_view(session, result.view(), turned.view());
  return result;
}

// A table times some queries, which are lines of one unit or whole units: [units, lines, columns, heads, distances].
// A query at place p meets the key at place k at distance k - p + extent - 1 of a reversed table, so that along the
// keys the view steps by one, and along the queries it steps back by one.
struct RelativeProduct {
  RelativeProduct(Device& device, const View& queries, int64_t rows, const Tensor& table)
      : distances(table.shape()[0]), values(device, table.view().type, {rows, distances}) {
    Session& session = session_of(device);
    session.call(session.functions().matmul, queries, View(table.view()).permuted({1, 0}), View(values.view()),
                 keep_types);
  }
  int64_t distances;
  Tensor values;
};

// Queries of some units, or some lines of one.
struct Block {
  int64_t unit, units;
  int64_t line, lines;
};

std::vector<Block> blocks_of(const Units& units, bool biased, size_t element, int64_t most_bias_bytes) {
  if (!biased) return {{0, units.count(), 0, units.rows}};
  const int64_t line = units.heads * units.columns * units.places() * static_cast<int64_t>(element);
  const int64_t unit = line * units.rows;
  std::vector<Block> blocks;
  if (unit <= most_bias_bytes) {
    const int64_t most = std::max<int64_t>(1, most_bias_bytes / unit);
    for (int64_t first = 0; first < units.count(); first += most)
      blocks.push_back({first, std::min(most, units.count() - first), 0, units.rows});
    return blocks;
  }
  // Lines are spread evenly, so that no block is a small one that keeps few cores busy.
  const int64_t most = std::max<int64_t>(1, most_bias_bytes / line);
  const int64_t count = (units.rows + most - 1) / most;
  const int64_t lines = (units.rows + count - 1) / count;
  for (int64_t i = 0; i < units.count(); ++i) {
    for (int64_t first = 0; first < units.rows; first += lines)
      blocks.push_back({i, 1, first, std::min(lines, units.rows - first)});
  }
  return blocks;
}

// [units, heads, lines, columns, rows, columns]
Tensor bias_of(Device& device, const Units& u, const Block& block, const View& queries, const Tensor& heights,
               const Tensor& widths) {
  Session& session = session_of(device);
  const int64_t rows = block.units * block.lines * u.columns * u.heads;
  const View flat(queries.data, queries.type, {rows, u.channels / u.heads});
  const RelativeProduct down(device, flat, rows, heights);
  const RelativeProduct across(device, flat, rows, widths);
  const auto steps = [&](const RelativeProduct& p) {
    struct Steps {
      int64_t unit, head, line, column;
    };
    const int64_t line = u.columns * u.heads * p.distances;
    return Steps{block.lines * line, p.distances, line, u.heads * p.distances};
  };
  const auto y = steps(down);
  const auto x = steps(across);
  const View by_line = View(down.values.view())
                           .strided(u.rows - 1 - block.line, {block.units, u.heads, block.lines, u.columns, u.rows, 1},
                                    {y.unit, y.head, y.line - 1, y.column, 1, 1});
  const View by_column = View(across.values.view())
                             .strided(u.columns - 1, {block.units, u.heads, block.lines, u.columns, 1, u.columns},
                                      {x.unit, x.head, x.line, x.column - 1, 1, 1});
  Tensor bias(device, heights.view().type, {block.units, u.heads, block.lines * u.columns, u.places()});
  session.call(session.functions().add, by_line, by_column, Scalar{1},
               View(bias, {block.units, u.heads, block.lines, u.columns, u.rows, u.columns}));
  return bias;
}

}  // namespace

void attend(Session& session, const FusedAttention& args) {
  const Functions& f = session.functions();
  std::array<char, 4> layout = {'B', 'S', 'H', '\0'};
  const auto optional = [&](const auto& bias) {
    if (f.prompt_attention) {
      session.call(f.prompt_attention, args.queries, args.keys, args.values, bias, absent, absent, absent, absent,
                   absent, absent, absent, absent, args.heads, static_cast<double>(args.scale), unlimited, unlimited,
                   layout.data(), args.kv_heads, int64_t{0}, int64_t{0}, args.out);
    } else {
      session.call(f.fused_attention, args.queries, ViewList{{&args.keys, 1}}, ViewList{{&args.values, 1}}, bias,
                   absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent,
                   absent, absent, absent, absent, absent, absent, absent, absent, args.heads,
                   static_cast<double>(args.scale), unlimited, unlimited, layout.data(), args.kv_heads, int64_t{0},
                   int64_t{0}, int64_t{0}, int64_t{0}, false, int64_t{0}, int64_t{0}, args.out, absent);
    }
  };
  if (args.bias.data != nullptr) {
    optional(args.bias);
  } else {
    optional(absent);
  }
}

void attention(Device& device, const AttentionArgs& args) {
  if (args.qkv.shape.elements() == 0) return;
  const Units units(args);
  const bool fits = fits_attention(units.channels / units.heads) && args.key_heads() == args.heads && !args.causal;
  if (!fits) return lowering::attention(device, args);
  Session& session = session_of(device);
  const Tensor parts = split(device, units, args);
  Tensor heights;
  Tensor widths;
  if (args.relative_height) {
    heights = reversed(device, args.relative_height, args.qkv.type);
    widths = reversed(device, args.relative_width, args.qkv.type);
  }
  const Shape all = {units.count(), units.places(), units.channels};
  const Tensor own = units.are_views() ? Tensor() : Tensor(device, args.out.type, all);
  const View out(own ? own.view() : args.out, {all[0], all[1], all[2]});
  const View queries(parts.view().slice(0, 1), {all[0], all[1], all[2]});
  const View keys(parts.view().slice(1, 1), {all[0], all[1], all[2]});
  const View values(parts.view().slice(2, 1), {all[0], all[1], all[2]});
  for (const Block& block :
       blocks_of(units, static_cast<bool>(heights), size_of(args.qkv.type), session.most_bias_bytes())) {
    const int64_t first = block.line * units.columns;
    const int64_t count = block.lines * units.columns;
    const auto of_block = [&](const View& view) {
      return view.slice(0, block.unit, block.units).slice(1, first, count);
    };
    const Tensor bias = heights ? bias_of(device, units, block, of_block(queries), heights, widths) : Tensor();
    attend(session, {.queries = of_block(queries),
                     .keys = keys.slice(0, block.unit, block.units),
                     .values = values.slice(0, block.unit, block.units),
                     .bias = bias ? View(bias.view()) : View(),
                     .heads = units.heads,
                     .kv_heads = units.heads,
                     .scale = args.scale,
                     .out = of_block(out)});
  }
  if (own) {
    units.for_each_part(own, args.out, [&](const View& from, const View& to) { copy_view(session, to, from); });
  }
}

}  // namespace lectern::ascend
