// The paged cache of keys and values, and causal attention over it by the card's fused operator.
//
// A layer holds the keys of all its pages, [pages, 128, kv heads * head size], then their values. So a token is one
// row, and writing is one copy by index. Sequences that add one token each are attended to together; one that adds
// more, such as a prompt, has a call of its own.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"
#include "device/step_batch.h"

namespace lectern::ascend {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int32_t>::max();
constexpr int64_t mask_size = 2048;  // what the operator asks for, whatever the length

struct Layer {
  explicit Layer(const CacheLayer& cache)
      : pages(cache.pages),
        tokens(cache.format.page_tokens),
        width(static_cast<int64_t>(cache.kv_heads) * cache.head_size),
        type(acl_type(cache.format.type)),
        keys(cache.data),
        values(cache.data + static_cast<size_t>(pages * tokens * width) * size_of(type)) {}

  View rows(const std::byte* part) const { return {part, type, {pages * tokens, width}}; }
  View blocks(const std::byte* part) const { return {part, type, {pages, tokens, width}}; }

  int64_t pages, tokens, width;
  aclDataType type;
  const std::byte* keys;
  const std::byte* values;
};

// Calls body(index of the first, group) for sequences whose rows follow on each other, each of one row if `single` says
// so.
template <typename Single, typename Body>
void for_each_group(std::span<const SequenceRows> sequences, const Single& single, const Body& body) {
  for (size_t first = 0; first < sequences.size();) {
    size_t count = 1;
    while (first + count < sequences.size() && single(sequences[first]) && single(sequences[first + count]) &&
           sequences[first + count].first_row ==
               sequences[first + count - 1].first_row + sequences[first + count - 1].rows) {
      ++count;
    }
    body(static_cast<int64_t>(first), sequences.subspan(first, count));
    first += count;
  }
}

// Above the diagonal 1, that is hidden.
View causal_mask(Session& session) {
  const std::byte* mask =
      session.constant("causal mask", mask_size * mask_size, [](std::byte* to, size_t first, size_t count) {
        for (size_t i = 0; i < count; ++i) {
          const size_t at = first + i;
          to[i] = std::byte{at % mask_size > at / mask_size};
        }
      });
  return {mask, ACL_BOOL, {mask_size, mask_size}};
}

// One operator for both: a prompt has a mask, steps have none.
template <typename Mask, typename Lengths>
void call_attention(Session& session, const PagedAttentionArgs& args, const Layer& layer, const View& queries,
                    const char* layout_name, const Mask& mask, const Lengths& lengths,
                    std::span<const int64_t> key_lengths, const View& table, const View& out) {
  std::array<char, 8> layout = {};
  std::copy_n(layout_name, std::char_traits<char>::length(layout_name), layout.begin());
  const View keys = layer.blocks(layer.keys);
  const View values = layer.blocks(layer.values);
  constexpr bool is_step = std::is_same_v<Mask, Absent>;
  const int64_t sparse_mode = is_step ? 0 : 3;  // 3: causal, aligned to the last key
  // 1 lets a step of many sequences use the matrix cores; in bf16 it computes as 0 does.
  const int64_t inner_precise = is_step && layer.type == ACL_BF16 ? 1 : 0;
  session.call(session.functions().fused_attention, queries, ViewList{{&keys, 1}}, ViewList{{&values, 1}}, absent, mask,
               lengths, IntegerArray{key_lengths}, absent, absent, absent, absent, absent, absent, absent, table,
               absent, absent, absent, absent, absent, absent, absent, absent, absent, int64_t{args.heads},
               static_cast<double>(args.scale), unlimited, unlimited, layout.data(), int64_t{args.cache.kv_heads},
               sparse_mode, inner_precise, layer.tokens, int64_t{0}, false, int64_t{0}, int64_t{0}, out, absent);
}

}  // namespace

CacheFormat cache_format(DataType type, int kv_heads, int head_size) {
  if (!fits_attention(head_size) || type == DataType::f32) return lowering::cache_format(kv_heads, head_size);
  constexpr int tokens = 128;
  return {tokens, size_t{2} * tokens * static_cast<size_t>(kv_heads) * static_cast<size_t>(head_size) * size_of(type),
          type};
}

void write_kv(Device& device, const WriteKvArgs& args) {
  if (args.cache.format.type == DataType::f32) return lowering::write_kv(device, args);
  Session& session = session_of(device);
  const Layer layer(args.cache);
  const auto any = [](const SequenceRows&) { return true; };
  for_each_group(args.step.sequences(), any, [&](int64_t, std::span<const SequenceRows> group) {
    const int64_t first = group.front().first_row;
    const int64_t count = group.back().first_row + group.back().rows - first;
    if (count == 0) return;
    const TensorView index = args.step.slots().slice(first, count);
    const Functions& f = session.functions();
    const auto write = [&](const std::byte* part, const TensorView& rows) {
      if (f.scatter_nd_update)
        return session.call(f.scatter_nd_update, layer.rows(part), View(index, {count, 1}), View(rows));
      session.call(f.inplace_index_copy, layer.rows(part), int64_t{0}, View(index), View(rows));
    };
    write(layer.keys, args.keys.slice(first, count));
    write(layer.values, args.values.slice(first, count));
  });
}

bool write_both(Device& device, const StepBatch& step, const CacheLayer& cache, const TensorView& both) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  int64_t rows = 0;
  for (const SequenceRows& sequence : step.sequences()) rows += sequence.rows;
  if (cache.format.type == DataType::f32 || !f.scatter_nd_update || rows != step.rows()) return false;
  const Layer layer(cache);
  const int64_t of_part = layer.pages * layer.tokens;
  const auto fill = [&](const MutableTensorView& to) {
    std::vector<int32_t> slots(static_cast<size_t>(2 * rows));
    for (const SequenceRows& sequence : step.sequences()) {
      for (int64_t i = 0; i < sequence.rows; ++i) {
        const int64_t position = sequence.position + i;
        const int64_t slot =
            sequence.pages[static_cast<size_t>(position / layer.tokens)] * layer.tokens + position % layer.tokens;
        const auto row = static_cast<size_t>(sequence.first_row + i);
        slots[row] = static_cast<int32_t>(slot);
        slots[static_cast<size_t>(rows) + row] = static_cast<int32_t>(of_part + slot);
      }
    }
    device.upload(slots.data(), to);
  };
  const Tensor& index =
      step.once(fmt::format("slots of {} keys and values in {}", rows, of_part), DataType::i32, {2 * rows}, fill);
  session.call(f.scatter_nd_update, View(layer.keys, layer.type, {2 * of_part, layer.width}),
               View(index.view(), {2 * rows, 1}), View(both));
  return true;
}

namespace {

// Rows of a cache that row `row` of a sequence sees with a window: of its prompt, and of the window.
std::vector<int32_t> slots_seen(const PagedAttentionArgs& args, const SequenceRows& sequence, int64_t row) {
  const int64_t tokens = args.cache.format.page_tokens;
  const int64_t position = sequence.position + row;
  std::vector<int32_t> slots;
  const auto add = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      slots.push_back(static_cast<int32_t>(sequence.pages[static_cast<size_t>(i / tokens)] * tokens + i % tokens));
  };
  const int64_t prompt = std::min(sequence.prompt, position + 1);
  add(0, prompt);
  add(std::max(prompt, position - args.window + 1), position + 1);
  return slots;
}

// One row after the other against copies of the keys and values that it sees.
void attend_windows(Device& device, const PagedAttentionArgs& args, const Layer& layer, const SequenceRows& sequence) {
  Session& session = session_of(device);
  const int64_t channels = args.queries.shape[1];
  for (int64_t row = 0; row < sequence.rows; ++row) {
    const int64_t at = sequence.first_row + row;
    const int64_t end = sequence.position + row + 1;
    const int64_t seen_of_prompt = std::min(sequence.prompt, end);
    const int64_t count = seen_of_prompt + end - std::max(seen_of_prompt, end - args.window);
    const Tensor& slots = args.step.once(fmt::format("slots of row {} in {}", at, args.window), DataType::i32, {count},
                                         [&](const MutableTensorView& to) {
                                           const std::vector<int32_t> seen = slots_seen(args, sequence, row);
                                           assert(static_cast<int64_t>(seen.size()) == count);
                                           device.upload(seen.data(), to);
                                         });
    const Tensor keys(device, args.cache.format.type, {count, layer.width});
    const Tensor values(device, args.cache.format.type, {count, layer.width});
    const auto select = [&](const std::byte* part, const Tensor& to) {
      session.call(session.functions().index_select, layer.rows(part), int64_t{0}, View(slots.view()), View(to.view()));
    };
    select(layer.keys, keys);
    select(layer.values, values);
    attend(session, {.queries = View(args.queries.slice(at, 1), {1, 1, channels}),
                     .keys = View(keys.view(), {1, count, layer.width}),
                     .values = View(values.view(), {1, count, layer.width}),
                     .heads = args.heads,
                     .kv_heads = args.cache.kv_heads,
                     .scale = args.scale,
                     .out = View(args.out.slice(at, 1), {1, 1, channels})});
  }
}

}  // namespace

void paged_attention(Device& device, const PagedAttentionArgs& args) {
  if (args.cache.format.type == DataType::f32) return lowering::paged_attention(device, args);
  Session& session = session_of(device);
  const Layer layer(args.cache);
  const int64_t size = args.cache.head_size;
  // Whether its window hides anything.
  const auto reaches = [&](const SequenceRows& s) {
    return args.window > 0 && s.position + s.rows > s.prompt + args.window;
  };
  const auto single = [&](const SequenceRows& s) { return s.rows == 1 && !reaches(s); };
  for_each_group(args.step.sequences(), single, [&](int64_t index, std::span<const SequenceRows> group) {
    const SequenceRows& front = group.front();
    const auto count = static_cast<int64_t>(group.size());
    if (front.rows == 0) return;
    if (reaches(front)) return attend_windows(device, args, layer, front);
    const View table(args.step.page_table().slice(index, count));
    std::vector<int64_t> key_lengths;
    for (const SequenceRows& s : group) key_lengths.push_back(s.position + s.rows);
    if (front.rows == 1) {
      // [sequences, heads, 1, size]
      const View queries(args.queries.slice(front.first_row, count), {count, args.heads, 1, size});
      const View out(args.out.slice(front.first_row, count), {count, args.heads, 1, size});
      return call_attention(session, args, layer, queries, "BNSD", absent, absent, key_lengths, table, out);
    }
    const std::array<int64_t, 1> lengths = {front.rows};
    const View queries(args.queries.slice(front.first_row, front.rows), {1, front.rows, args.heads * size});
    const View out(args.out.slice(front.first_row, front.rows), {1, front.rows, args.heads * size});
    call_attention(session, args, layer, queries, "BSH", causal_mask(session), IntegerArray{lengths}, key_lengths,
                   table, out);
  });
}

}  // namespace lectern::ascend
