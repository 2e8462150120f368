// Attention of an encoder by the card's fused operator, with the relative bias written out for a block of queries at a
// time: whole windows or views while they fit Session::max_bias_bytes, else lines of queries of one view.
//
// It is written once and read once, by the operator behind it: a block of 64 MiB stays in the 192 MiB of level-2 cache
// of a 910B beside keys and values, and a 1024 view takes 7 blocks a global layer. docs/ascend.md has the arithmetic.
// A causal view with a prefix is two calls, whose masks the operator knows by itself.
#include <algorithm>
#include <limits>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::ascend {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int32_t>::max();

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
        down((height + rows - 1) / rows),
        across((width + columns - 1) / columns) {}

  int64_t places() const { return rows * columns; }
  int64_t count() const { return batch * down * across; }
  bool are_views() const { return rows == height && columns == width; }
  bool reach_beyond() const { return down * rows > height || across * columns > width; }
  // [batch, height, width, ...] with whole units.
  Shape whole(int64_t last) const { return {batch, down * rows, across * columns, last}; }

  int64_t batch, height, width;
  int64_t rows, columns;  // of a unit
  int64_t channels, heads;
  int64_t down, across;  // units along a side
};

// A copy's target has to be dense, or a slice of one extent, or a dense tensor permuted: to others CANN copies element
// by element on the AI CPU, a hundred times slower. So views are made as large as whole units first, and both ways
// between the order of the picture and that of the units are one transposition.

// qkv -> [3, units, places, channels]
Tensor split(Device& device, const Units& u, const AttentionArgs& args) {
  Session& session = session_of(device);
  const int64_t place = 3 * u.channels;
  Tensor padded;
  TensorView source = args.qkv;
  if (u.reach_beyond()) {
    const Shape shape = u.whole(place);
    const DataType type = args.qkv.type;
    const auto fill = [&](std::byte* to) {
      const Narrowed padding(device, args.padding, type);
      copy_view(session, View(to, acl_type(type), {shape.elements() / place, place}),
                View(padding.view().data, acl_type(type), {1, place}));
    };
    // What is beyond a whole page stays as it is from page to page.
    const uint64_t kind =
        uint64_t{padded_rows} << 56 | static_cast<uint64_t>(u.height) << 28 | static_cast<uint64_t>(u.width);
    const std::byte* kept = nullptr;
    if (u.batch == 1)
      kept = session.derived(args.padding.data, kind, static_cast<size_t>(shape.elements()) * size_of(type), fill);
    if (kept == nullptr) {
      padded = Tensor(device, type, shape);
      fill(padded.view().data);
      kept = padded.view().data;
    }
    source = TensorView(kept, type, shape);
    copy_view(session, View(source).slice(1, 0, u.height).slice(2, 0, u.width), View(args.qkv));
  }
  Tensor parts(device, args.qkv.type, {3, u.count(), u.places(), u.channels});
  const int64_t line = u.across * u.columns * place;
  copy_view(
      session, View(parts, {3, u.batch, u.down, u.across, u.rows, u.columns, u.channels}),
      View(source).strided(0, {3, u.batch, u.down, u.across, u.rows, u.columns, u.channels},
                           {u.channels, u.down * u.rows * line, u.rows * line, u.columns * place, line, place, 1}));
  return parts;
}

// [units, places, channels] -> the views
void join(Device& device, const Units& u, const Tensor& units, const MutableTensorView& out) {
  Session& session = session_of(device);
  const Tensor padded = u.reach_beyond() ? Tensor(device, out.type, u.whole(u.channels)) : Tensor();
  const View whole(padded ? padded.view() : out, {u.batch, u.down, u.rows, u.across, u.columns, u.channels});
  copy_view(session, whole,
            View(units, {u.batch, u.down, u.across, u.rows, u.columns, u.channels}).permuted({0, 1, 3, 2, 4, 5}));
  if (padded) copy_view(session, View(out), View(padded.view()).slice(1, 0, u.height).slice(2, 0, u.width));
}

// table [2 * extent - 1, head size] -> the same by falling distance, in another type.
void reverse(Device& device, const TensorView& table, const View& out) {
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
  copy_view(session, out, turned.view());
}

// Every query times both tables, of distances down and across: [units, lines, columns, heads, distances of both]. A
// query at place p meets the key at place k at distance k - p + extent - 1 of a reversed table, so that along the keys
// a view of it steps by one, and along the queries it steps back by one.
class RelativeProducts {
 public:
  RelativeProducts() = default;
  RelativeProducts(Device& device, const Units& u, const View& queries, const AttentionArgs& args)
      : down_(args.relative_height.shape[0]), all_(down_ + args.relative_width.shape[0]) {
    Session& session = session_of(device);
    const DataType type = args.qkv.type;
    const int64_t size = u.channels / u.heads;
    const Shape shape = {all_, size};
    const auto reverse_both = [&](std::byte* to) {
      const View both(to, acl_type(type), {all_, size});
      reverse(device, args.relative_height, both.slice(0, 0, down_));
      reverse(device, args.relative_width, both.slice(0, down_, all_ - down_));
    };
    const auto bytes = static_cast<size_t>(shape.elements()) * size_of(type);
    // Both tables of a layer are made, and go, together.
    const uint64_t kind =
        uint64_t{reversed_tables} << 56 | (reinterpret_cast<uintptr_t>(args.relative_width.data) & 0xffffffffffffff);
    Tensor own;
    const std::byte* tables = session.derived(args.relative_height.data, kind, bytes, reverse_both);
    if (tables == nullptr) {
      own = Tensor(device, type, shape);
      reverse_both(own.view().data);
      tables = own.view().data;
    }
    const int64_t rows = u.count() * u.places() * u.heads;
    values_ = Tensor(device, type, {rows, all_});
    session.call(session.functions().matmul, View(queries.data, queries.type, {rows, size}),
                 View(tables, acl_type(type), {all_, size}).permuted({1, 0}), View(values_.view()), keep_types);
  }
  explicit operator bool() const { return static_cast<bool>(values_); }
  const Tensor& values() const { return values_; }
  int64_t down() const { return down_; }
  int64_t all() const { return all_; }

 private:
  int64_t down_ = 0, all_ = 0;  // distances
  Tensor values_;
};

// Queries of some units, or some lines of one.
struct Block {
  int64_t unit, units;
  int64_t line, lines;
};

std::vector<Block> blocks_of(const Units& units, bool biased, size_t element, int64_t max_bias_bytes) {
  if (!biased) return {{0, units.count(), 0, units.rows}};
  const int64_t line = units.heads * units.columns * units.places() * static_cast<int64_t>(element);
  const int64_t unit = line * units.rows;
  std::vector<Block> blocks;
  if (unit <= max_bias_bytes) {
    const int64_t most = std::max<int64_t>(1, max_bias_bytes / unit);
    for (int64_t first = 0; first < units.count(); first += most)
      blocks.push_back({first, std::min(most, units.count() - first), 0, units.rows});
    return blocks;
  }
  // Lines are spread evenly, so that no block is a small one that keeps few cores busy.
  const int64_t most = std::max<int64_t>(1, max_bias_bytes / line);
  const int64_t count = (units.rows + most - 1) / most;
  const int64_t lines = (units.rows + count - 1) / count;
  for (int64_t i = 0; i < units.count(); ++i) {
    for (int64_t first = 0; first < units.rows; first += lines)
      blocks.push_back({i, 1, first, std::min(lines, units.rows - first)});
  }
  return blocks;
}

// [units, heads, lines, columns, rows, columns]
Tensor bias_of(Device& device, const Units& u, const Block& block, const RelativeProducts& products) {
  Session& session = session_of(device);
  const int64_t column = u.heads * products.all();
  const int64_t line = u.columns * column;
  const int64_t unit = u.rows * line;
  const int64_t first = block.unit * unit + block.line * line;
  const View values(products.values().view());
  const View by_line =
      values.strided(first + u.rows - 1 - block.line, {block.units, u.heads, block.lines, u.columns, u.rows, 1},
                     {unit, products.all(), line - 1, column, 1, 1});
  const View by_column = values.strided(first + products.down() + u.columns - 1,
                                        {block.units, u.heads, block.lines, u.columns, 1, u.columns},
                                        {unit, products.all(), line, column - 1, 1, 1});
  Tensor bias(device, products.values().view().type, {block.units, u.heads, block.lines * u.columns, u.places()});
  session.call(session.functions().add, by_line, by_column, Scalar{1},
               View(bias, {block.units, u.heads, block.lines, u.columns, u.rows, u.columns}));
  return bias;
}

}  // namespace

void attend(Session& session, const FusedAttention& args) {
  const Functions& f = session.functions();
  std::array<char, 4> layout = {'B', 'S', 'H', '\0'};
  const auto call = [&](const auto& bias, const auto& mask, const auto& key_lengths) {
    const int64_t sparse_mode = args.causal ? 3 : 0;  // 3: causal, aligned to the last key
    if (f.prompt_attention) {
      session.call(f.prompt_attention, args.queries, args.keys, args.values, bias, mask, absent, key_lengths, absent,
                   absent, absent, absent, absent, args.heads, static_cast<double>(args.scale), unlimited, unlimited,
                   layout.data(), args.kv_heads, sparse_mode, int64_t{0}, args.out);
    } else {
      session.call(f.fused_attention, args.queries, ViewList{{&args.keys, 1}}, ViewList{{&args.values, 1}}, bias, mask,
                   absent, key_lengths, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent,
                   absent, absent, absent, absent, absent, absent, absent, args.heads, static_cast<double>(args.scale),
                   unlimited, unlimited, layout.data(), args.kv_heads, sparse_mode, int64_t{0}, int64_t{0}, int64_t{0},
                   false, int64_t{0}, int64_t{0}, args.out, absent);
    }
  };
  if (args.bias.data != nullptr) return call(args.bias, absent, absent);
  if (args.causal) return call(absent, causal_mask(session), absent);
  if (!args.key_lengths.empty()) return call(absent, absent, IntegerArray{args.key_lengths});
  call(absent, absent, absent);
}

namespace {

// The places before the prefix see each other, and those behind it also themselves up to each: a call without a mask,
// and one with that of a prompt that has a past.
void attend_causal(Device& device, const AttentionArgs& args) {
  Session& session = session_of(device);
  const int64_t views = args.qkv.shape[0];
  const int64_t places = args.qkv.shape[1] * args.qkv.shape[2];
  const int64_t channels = args.qkv.shape[3];
  const int64_t width = args.heads * args.head_size();
  const int64_t kv_width = args.key_heads() * args.head_size();
  const int64_t prefix = std::min(args.prefix, places);
  const auto part_of = [&](int64_t first, int64_t count, int64_t channel, int64_t wide) {
    Tensor part(device, args.qkv.type, {views, count, wide});
    copy_view(
        session, part.view(),
        View(args.qkv).strided(first * channels + channel, {views, count, wide}, {places * channels, channels, 1}));
    return part;
  };
  const Tensor keys = part_of(0, places, width, kv_width);
  const Tensor values = part_of(0, places, width + kv_width, kv_width);
  const std::vector<int64_t> lengths(static_cast<size_t>(views), prefix);
  const auto attend_from = [&](int64_t first, int64_t count) {
    if (count == 0) return;
    const Tensor queries = part_of(first, count, 0, width);
    const View out = View(args.out).strided(first * width, {views, count, width}, {places * width, width, 1});
    const Tensor own = out.is_dense() ? Tensor() : Tensor(device, args.out.type, {views, count, width});
    const bool causal = first == prefix && count > 1;  // a last place sees all without a mask
    attend(session, {.queries = queries.view(),
                     .keys = keys.view(),
                     .values = values.view(),
                     .heads = args.heads,
                     .kv_heads = args.key_heads(),
                     .scale = args.scale,
                     .out = own ? View(own.view()) : out,
                     .key_lengths = first < prefix ? std::span(lengths) : std::span<const int64_t>(),
                     .causal = causal});
    if (own) copy_view(session, out, own.view());
  };
  if (prefix > 0) attend_from(0, prefix);
  attend_from(prefix, places - prefix);
}

}  // namespace

void attention(Device& device, const AttentionArgs& args) {
  if (args.qkv.shape.elements() == 0) return;
  const bool plain = args.key_heads() == args.heads && !args.causal;
  if (!fits_attention(args.head_size()) || (!plain && !args.causal)) return lowering::attention(device, args);
  if (args.causal) return attend_causal(device, args);
  const Units units(args);
  Session& session = session_of(device);
  const Tensor parts = split(device, units, args);
  const Shape all = {units.count(), units.places(), units.channels};
  const Tensor own = units.are_views() ? Tensor() : Tensor(device, args.out.type, all);
  const View out(own ? own.view() : args.out, {all[0], all[1], all[2]});
  const View queries(parts.view().slice(0, 1), {all[0], all[1], all[2]});
  const View keys(parts.view().slice(1, 1), {all[0], all[1], all[2]});
  const View values(parts.view().slice(2, 1), {all[0], all[1], all[2]});
  const RelativeProducts products =
      args.relative_height ? RelativeProducts(device, units, queries, args) : RelativeProducts();
  for (const Block& block :
       blocks_of(units, static_cast<bool>(products), size_of(args.qkv.type), session.max_bias_bytes())) {
    const int64_t first = block.line * units.columns;
    const int64_t count = block.lines * units.columns;
    const auto of_block = [&](const View& view) {
      return view.slice(0, block.unit, block.units).slice(1, first, count);
    };
    const Tensor bias = products ? bias_of(device, units, block, products) : Tensor();
    attend(session, {.queries = of_block(queries),
                     .keys = keys.slice(0, block.unit, block.units),
                     .values = values.slice(0, block.unit, block.units),
                     .bias = bias ? View(bias.view()) : View(),
                     .heads = units.heads,
                     .kv_heads = units.heads,
                     .scale = args.scale,
                     .out = of_block(out)});
  }
  if (own) join(device, units, own, args.out);
}

}  // namespace lectern::ascend
