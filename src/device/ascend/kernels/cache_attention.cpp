// The paged cache of keys and values, and causal attention over it by the card's fused operator.
//
// A layer holds the keys of all its pages, [pages, 128, kv heads * head size], then their values. So a token is one
// row, and writing is one copy by index. Sequences that add one token each are attended to together; one that adds
// more, such as a prompt, has a call of its own. Rows from which a window hides something are attended to together too,
// each by a table of the pages that it sees a part of and a bias that hides the rest: a mask would be the word for it,
// but for single queries it was seen to be ignored behind 512 keys.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/host_values.h"
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

// One operator for all: a prompt has a mask, steps have none, and a bias where a window hides something.
template <typename Bias, typename Mask, typename Lengths>
void call_attention(Session& session, const PagedAttentionArgs& args, const Layer& layer, const View& queries,
                    const char* layout_name, const Bias& bias, const Mask& mask, const Lengths& lengths,
                    std::span<const int64_t> key_lengths, const View& table, const View& out) {
  std::array<char, 8> layout = {};
  std::copy_n(layout_name, std::char_traits<char>::length(layout_name), layout.begin());
  const View keys = layer.blocks(layer.keys);
  const View values = layer.blocks(layer.values);
  constexpr bool is_step = std::is_same_v<Mask, Absent>;
  const int64_t sparse_mode = is_step ? 0 : 3;  // 3: causal, aligned to the last key
  // 1 lets a step of many sequences use the matrix cores; in bf16 it computes as 0 does.
  const int64_t inner_precise = is_step && layer.type == ACL_BF16 ? 1 : 0;
  session.call(session.functions().fused_attention, queries, ViewList{{&keys, 1}}, ViewList{{&values, 1}}, bias, mask,
               lengths, IntegerArray{key_lengths}, absent, absent, absent, absent, absent, absent, absent, table,
               absent, absent, absent, absent, absent, absent, absent, absent, absent, int64_t{args.heads},
               static_cast<double>(args.scale), unlimited, unlimited, layout.data(), int64_t{args.cache.kv_heads},
               sparse_mode, inner_precise, layer.tokens, int64_t{0}, false, int64_t{0}, int64_t{0}, out, absent);
}

}  // namespace

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

CacheFormat cache_format(DataType type, int kv_heads, int head_size) {
  if (!fits_attention(head_size) || type == DataType::f32) return lowering::cache_format(kv_heads, head_size);
  constexpr int tokens = 128;
  return {tokens, size_t{2} * tokens * static_cast<size_t>(kv_heads) * static_cast<size_t>(head_size) * size_of(type),
          type};
}

void write_kv(Device& device, const WriteKvArgs& args) {
  if (args.cache.format.type == DataType::f32) {  // of heads that the fused attention does not take
    session_of(device).not_while_capturing("rows of the cache at places that the host computes");
    return lowering::write_kv(device, args);
  }
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

constexpr float hidden = -3e4f;  // in f16 too; what is not finite becomes NaN

// A row of a step, and the pages that hold what it sees: those of its prompt, and those of its window.
struct SeenPages {
  SeenPages(const SequenceRows& sequence, int64_t row, int64_t window, int64_t tokens)
      : pages(sequence.pages),
        position(sequence.position + row),
        prompt(std::min(sequence.prompt, position + 1)),
        from(std::max(prompt, position - window + 1)),
        of_prompt((prompt + tokens - 1) / tokens),
        first(std::max(of_prompt, from / tokens)),
        most((sequence.prompt + tokens - 1) / tokens + (window + tokens - 2) / tokens + 1),
        page_tokens(tokens) {}

  int64_t skipped() const { return (first - of_prompt) * page_tokens; }
  int64_t length() const { return position + 1 - skipped(); }

  std::span<const int32_t> pages;
  int64_t position;
  int64_t prompt, from;      // it sees what is before the one and from the other on
  int64_t of_prompt, first;  // pages
  int64_t most;              // pages of any row of its sequence
  int64_t page_tokens;
};

// to [rows, most pages of one]
void fill_table(Device& device, std::span<const SeenPages> rows, const MutableTensorView& to) {
  std::vector<int32_t> table(static_cast<size_t>(to.shape.elements()));
  for (size_t i = 0; i < rows.size(); ++i) {
    const SeenPages& row = rows[i];
    auto at = table.begin() + static_cast<std::ptrdiff_t>(i) * to.shape[1];
    at = std::copy_n(row.pages.begin(), row.of_prompt, at);
    const int64_t last = row.position / row.page_tokens;
    if (last >= row.first) std::copy_n(row.pages.begin() + row.first, last + 1 - row.first, at);
  }
  device.upload(table.data(), to);
}

// to [rows, heads, 1, keys], alike for every head
void fill_bias(Device& device, std::span<const SeenPages> rows, const MutableTensorView& to) {
  const int64_t keys = to.shape[3];
  std::vector<float> values(rows.size() * static_cast<size_t>(keys), 0.0f);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(i) * keys;
    std::fill(row + rows[i].prompt, row + std::max(rows[i].prompt, rows[i].from - rows[i].skipped()), hidden);
  }
  const auto count = static_cast<int64_t>(rows.size());
  const Tensor of_rows = from_host(device, values, {count, keys});
  copy_view(session_of(device), to, View(of_rows.view(), {count, 1, 1, keys}));
}

// Rows first .. first + rows.size() - 1 of the step in one call. `steady`: as in most steps, one of every sequence;
// what the call needs is then kept for other layers and steps.
void attend_windows(Device& device, const PagedAttentionArgs& args, const Layer& layer, int64_t first,
                    std::span<const SeenPages> rows, bool steady) {
  int64_t most = 0;
  std::vector<int64_t> key_lengths;
  for (const SeenPages& row : rows) {
    most = std::max(most, row.most);
    key_lengths.push_back(row.length());
  }
  const auto count = static_cast<int64_t>(rows.size());
  const std::string name = fmt::format("of {} rows from {} in {}", count, first, args.window);
  std::array<Tensor, 2> own;
  const auto made = [&](Tensor& here, const char* what, DataType type, const Shape& shape,
                        const auto& fill) -> const Tensor& {
    const auto fill_rows = [&](const MutableTensorView& to) { fill(device, rows, to); };
    if (steady) return args.step.once(what + name, type, shape, fill_rows);
    here = Tensor(device, type, shape);
    fill_rows(here);
    return here;
  };
  const Tensor& table = made(own[0], "pages ", DataType::i32, {count, most}, fill_table);
  const Tensor& bias =
      made(own[1], "bias ", args.cache.format.type, {count, args.heads, 1, most * layer.tokens}, fill_bias);
  const auto by_heads = [&](const TensorView& all) {
    return View(all.slice(first, count), {count, args.heads, 1, args.cache.head_size});
  };
  call_attention(session_of(device), args, layer, by_heads(args.queries), "BNSD", View(bias.view()), absent, absent,
                 key_lengths, View(table.view()), by_heads(TensorView(args.out)));
}

// As many rows a call as their bias may have bytes.
void attend_windows(Device& device, const PagedAttentionArgs& args, const Layer& layer,
                    std::span<const SequenceRows> group) {
  std::vector<SeenPages> rows;
  int64_t most = 1;
  for (const SequenceRows& sequence : group) {
    for (int64_t row = 0; row < sequence.rows; ++row)
      most = std::max(most, rows.emplace_back(sequence, row, args.window, layer.tokens).most);
  }
  const int64_t bytes = most * layer.tokens * args.heads * static_cast<int64_t>(size_of(layer.type));
  const auto share = static_cast<size_t>(std::max<int64_t>(1, session_of(device).max_bias_bytes() / bytes));
  for (size_t done = 0; done < rows.size(); done += share) {
    attend_windows(device, args, layer, group.front().first_row + static_cast<int64_t>(done),
                   std::span(rows).subspan(done, std::min(share, rows.size() - done)), rows.size() == group.size());
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
  const auto joins = [&](const SequenceRows& s) { return s.rows == 1 || reaches(s); };
  for_each_group(args.step.sequences(), joins, [&](int64_t index, std::span<const SequenceRows> group) {
    const SequenceRows& front = group.front();
    const auto count = static_cast<int64_t>(group.size());
    if (front.rows == 0) return;
    if (std::ranges::any_of(group, reaches)) return attend_windows(device, args, layer, group);
    const View table(args.step.page_table().slice(index, count));
    std::vector<int64_t> key_lengths;
    for (const SequenceRows& s : group) key_lengths.push_back(s.position + s.rows);
    if (front.rows == 1) {
      // [sequences, heads, 1, size]
      const View queries(args.queries.slice(front.first_row, count), {count, args.heads, 1, size});
      const View out(args.out.slice(front.first_row, count), {count, args.heads, 1, size});
      return call_attention(session, args, layer, queries, "BNSD", absent, absent, absent, key_lengths, table, out);
    }
    const std::array<int64_t, 1> lengths = {front.rows};
    const View queries(args.queries.slice(front.first_row, front.rows), {1, front.rows, args.heads * size});
    const View out(args.out.slice(front.first_row, front.rows), {1, front.rows, args.heads * size});
    call_attention(session, args, layer, queries, "BSH", absent, causal_mask(session), IntegerArray{lengths},
                   key_lengths, table, out);
  });
}

}  // namespace lectern::ascend
