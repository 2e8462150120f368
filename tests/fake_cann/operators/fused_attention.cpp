#include "fake_cann/operators/fused_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fake_cann/operators/attention.h"

namespace fake_cann {
namespace {

constexpr int64_t mask_side = 2048;
constexpr Types mask_types = boolean | types({ACL_INT8, ACL_UINT8});

// Valid lengths per sequence from a host array with one entry for all, or one each.
std::vector<int64_t> lengths_of(const Operation& op, const std::optional<std::vector<int64_t>>& given, int64_t batch,
                                int64_t most, const char* name) {
  if (!given) return std::vector<int64_t>(static_cast<size_t>(batch), most);
  op.require(given->size() == 1 || static_cast<int64_t>(given->size()) >= batch,
             std::string(name) + " has neither one entry nor one for each sequence");
  std::vector<int64_t> lengths(static_cast<size_t>(batch));
  for (size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] = given->size() == 1 ? given->front() : (*given)[i];
    op.require(lengths[i] >= 0 && lengths[i] <= most,
               std::string(name) + " holds " + std::to_string(lengths[i]) + ", the tensor " + std::to_string(most));
  }
  return lengths;
}

// Keys or values of one head of one sequence, whether they lie in a tensor or in the blocks of a cache.
struct Cache {
  std::vector<Operand> tensors;
  std::string layout;
  int64_t heads = 0, size = 0, block_size = 0;  // block_size 0: no blocks
  bool blocks_by_head = false;                  // (blocks, heads, block size, size)

  void check_blocks(const Work& work, const Integers& table, int64_t max_blocks, int64_t batch, int64_t length) const {
    if (block_size == 0) return;
    for (int64_t block = 0; block * block_size < length; ++block) {
      checked_index(table[static_cast<size_t>(batch * max_blocks + block)], work[tensors[0]].shape[0], "blockTable");
    }
  }

  Floats rows(const Work& work, const Integers& table, int64_t max_blocks, int64_t batch, int64_t head,
              int64_t length) const {
    if (block_size == 0) {
      const bool listed = tensors.size() > 1;
      const Tensor view = by_heads(work[tensors[listed ? static_cast<size_t>(batch) : 0]], layout, heads);
      return head_of(view, listed ? 0 : batch, head, length);
    }
    const Tensor& cache = work[tensors[0]];
    Floats result;
    result.reserve(static_cast<size_t>(length * size));
    for (int64_t first = 0; first < length; first += block_size) {
      const int64_t at = table[static_cast<size_t>(batch * max_blocks + first / block_size)];
      const Tensor view = by_heads(narrowed(cache, 0, at, 1), blocks_by_head ? "BNSD" : "BSH", heads);
      const Floats part = head_of(view, 0, head, std::min(block_size, length - first));
      result.insert(result.end(), part.begin(), part.end());
    }
    return result;
  }
};

Cache cache_of(Operation& op, const aclTensorList* list, const aclTensor* single, const char* name,
               const Operand& query, const std::string& layout, int64_t batch, int64_t heads, int64_t size,
               int64_t block_size) {
  Cache cache;
  if (list != nullptr || single == nullptr)
    cache.tensors = op.input_list(list, name, half_types, {.contiguous = true});
  else
    cache.tensors = {op.input(single, name, half_types, {.contiguous = true})};
  cache.layout = layout;
  cache.heads = heads;
  cache.size = size;
  cache.block_size = block_size;
  for (const Operand& tensor : cache.tensors) op.same_type(tensor, query);
  if (block_size > 0) {
    const Operand& blocks = cache.tensors[0];
    op.require(cache.tensors.size() == 1, "a paged cache is one tensor");
    cache.blocks_by_head = blocks.rank() == 4;
    if (cache.blocks_by_head) {
      op.require(layout == "BNSD", "a cache of (blocks, heads, block size, size) goes with layout BNSD only");
      op.shape_is(blocks, {blocks.shape[0], heads, block_size, size});
    } else {
      op.shape_is(blocks, {blocks.shape[0], block_size, heads * size});
      op.require(heads * size <= 65535, "heads * size of the cache is above 65535");
    }
    return cache;
  }
  const bool listed = cache.tensors.size() > 1;
  op.require(!listed || (static_cast<int64_t>(cache.tensors.size()) == batch && batch <= 256),
             "one tensor, or one for each sequence");
  for (const Operand& tensor : cache.tensors) {
    const Tensor view = by_heads(op, tensor, layout, heads);
    op.require(view.shape[0] == (listed ? 1 : batch) && view.shape[3] == size,
               std::string(name) + " does not fit query");
  }
  return cache;
}

// What a mask excludes.
struct Mask {
  std::optional<Operand> tensor;
  int64_t mode = 0, previous = unlimited_tokens, next = unlimited_tokens;

  void check(Operation& op, int64_t batch, int64_t queries, int64_t keys, bool paged) const {
    op.require(mode >= 0 && mode <= 3, "the fake has sparseMode 0 to 3");
    if (!tensor) return op.require(mode == 0, "sparseMode " + std::to_string(mode) + " without a mask");
    const Shape& shape = tensor->shape;
    op.require(queries > 1, "a mask for single queries: seen to be ignored beyond 512 keys; use actualSeqLengthsKv");
    const Shape last(shape.end() - std::min<std::ptrdiff_t>(2, tensor->rank()), shape.end());
    Shape first(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(last.size()));
    if (mode >= 2) {
      op.require(last == Shape{mask_side, mask_side} && product(first) == 1 && first.size() <= 2,
                 "sparseMode 2 and 3 take a mask of 2048 x 2048, not " + to_string(shape));
      return;
    }
    const bool fits = last.size() == 2 && last[0] == queries && (paged ? last[1] >= keys : last[1] == keys);
    const bool leads = first.empty() || (first.size() <= 2 && (first[0] == 1 || first[0] == batch) &&
                                         first.back() <= batch && (first.size() == 1 || first[1] == 1));
    op.require(fits && leads,
               "the mask is " + to_string(shape) + " for " + std::to_string(queries) + " x " + std::to_string(keys));
  }

  // For one sequence; `values` are the mask's own.
  std::function<bool(int64_t, int64_t)> of(const std::vector<uint8_t>& values, int64_t batch, int64_t queries,
                                           int64_t keys) const {
    if (!tensor) return {};
    if (mode == 2) return [](int64_t query, int64_t key) { return key > query; };
    if (mode == 3) return [=](int64_t query, int64_t key) { return key > query + keys - queries; };
    const int64_t rows = tensor->shape[tensor->shape.size() - 2], columns = tensor->shape.back();
    const bool shared = tensor->rank() == 2 || tensor->shape[0] == 1;
    const uint8_t* start = values.data() + (shared ? 0 : batch * rows * columns);
    const bool banded = mode == 0;
    return [=, this](int64_t query, int64_t key) {
      if (banded && (key < query - previous || key > query + next)) return true;
      return start[query * columns + key] != 0;
    };
  }

  std::vector<uint8_t> values(const Work& work) const {
    if (!tensor) return {};
    const auto* start = work[*tensor].at<const uint8_t>();
    if (mode < 2) return {start, start + tensor->elements()};
    for (int64_t row = 0; row < mask_side; ++row) {
      const uint8_t* line = start + row * mask_side;
      const bool clear = std::all_of(line, line + row + 1, [](uint8_t value) { return value == 0; });
      const bool set = std::all_of(line + row + 1, line + mask_side, [](uint8_t value) { return value != 0; });
      if (!clear || !set) fault("the mask of 2048 x 2048 is not 1 strictly above its diagonal and 0 elsewhere");
    }
    return {};
  }
};

void check_layout(const Operation& op, const std::string& layout, int64_t queries) {
  op.require(layout == "BSH" || layout == "BSND" || layout == "BNSD" || layout == "BNSD_BSND",
             "the fake has no layout " + layout);
  op.require(layout != "BNSD_BSND" || queries > 1, "BNSD_BSND is not for single queries");
}

}  // namespace

void fused_attention(Operation& op, const FusedArguments& a) {
  if (a.layout == nullptr) fail(null_operand, "inputLayout is null");
  const std::string layout = a.layout;
  op.require(!is_310p() || a.prompt_only, "the fused attention is not on this chip");
  op.require(!is_310p() || a.shift == nullptr, "pseShift is not on this chip");
  const Operand query = op.input(a.query, "query", half_types, {.contiguous = true});
  check_layout(op, layout, 2);
  const Tensor q = by_heads(op, query, layout, a.heads);
  const int64_t batch = q.shape[0], queries = q.shape[2], size = q.shape[3];
  check_layout(op, layout, queries);
  const bool single = queries == 1 && !a.prompt_only;
  op.require(!a.incremental_only || queries == 1, "one query for each sequence");
  op.require(query.elements() > 0, "no empty tensors");
  const int64_t key_heads = a.key_heads == 0 ? a.heads : a.key_heads;
  op.require(a.heads <= 256 && key_heads > 0 && a.heads % key_heads == 0, "the heads do not fit each other");
  op.require(size <= 512 && size % 16 == 0, "the size of a head is a multiple of 16 up to 512");
  op.require((layout != "BSH" && layout != "BSND") || a.heads * size < 65535, "heads * size is not below 65535");
  op.require(a.inner_precise >= 0 && a.inner_precise <= (single ? 1 : 3), "innerPrecise out of range");
  op.attribute(layout);
  for (const int64_t value : {a.heads, a.key_heads, a.sparse_mode, a.inner_precise, a.block_size}) op.attribute(value);
  op.attribute(std::to_string(a.scale));

  const bool paged = a.table != nullptr;
  std::optional<Operand> table;
  if (paged) {
    op.require(single ? a.block_size % 16 == 0 && a.block_size <= 512 : a.block_size % 128 == 0 && a.block_size <= 512,
               "blockSize " + std::to_string(a.block_size));
    op.require(a.block_size > 0, "a block table without a blockSize");
    op.require(a.key_lengths != nullptr, "a block table without actualSeqLengthsKv");
    op.require(layout == "BNSD" || layout == "BSH" || layout == "BSND", "no paging with layout " + layout);
    table = op.input(a.table, "blockTable", types({ACL_INT32}), {.contiguous = true});
    op.require(table->rank() == 2 && table->shape[0] == batch, "blockTable is " + to_string(table->shape));
  }
  const std::string key_layout = layout == "BNSD_BSND" ? "BNSD" : layout;
  const Cache keys =
      cache_of(op, a.key, a.single_key, "key", query, key_layout, batch, key_heads, size, paged ? a.block_size : 0);
  const Cache values = cache_of(op, a.value, a.single_value, "value", query, key_layout, batch, key_heads, size,
                                paged ? a.block_size : 0);
  op.require(keys.tensors.size() == values.tensors.size(), "key and value have different lengths");
  const int64_t max_blocks = paged ? table->shape[1] : 0;
  int64_t places = max_blocks * a.block_size;
  if (!paged) {
    for (size_t i = 0; i < keys.tensors.size(); ++i) {
      op.same_shape(keys.tensors[i], values.tensors[i]);
      places = std::max(places, by_heads(keys.tensors[i], key_layout, key_heads).shape[2]);
    }
  }
  const std::vector<int64_t> query_lengths = lengths_of(
      op, single ? std::nullopt : op.optional_ints(a.lengths, "actualSeqLengths"), batch, queries, "actualSeqLengths");
  std::vector<int64_t> key_lengths =
      lengths_of(op, op.optional_ints(a.key_lengths, "actualSeqLengthsKv"), batch, places, "actualSeqLengthsKv");
  if (keys.tensors.size() > 1) {
    for (size_t i = 0; i < key_lengths.size(); ++i) {
      key_lengths[i] = std::min(key_lengths[i], by_heads(keys.tensors[i], key_layout, key_heads).shape[2]);
    }
  }

  Mask mask{op.optional_input(a.mask, "attenMask", mask_types, {.contiguous = true}), a.sparse_mode, a.previous,
            a.next};
  mask.check(op, batch, queries, places, paged);
  const std::optional<Operand> shift = op.optional_input(a.shift, "pseShift", half_types, {.contiguous = true});
  if (shift) {
    op.same_type(*shift, query);
    op.require(
        shift->rank() == 4 && (shift->shape[0] == batch || shift->shape[0] == 1) && shift->shape[1] == a.heads &&
            shift->shape[2] == queries && shift->shape[3] >= places,
        "pseShift is " + to_string(shift->shape) + " for " + std::to_string(queries) + " x " + std::to_string(places));
  }
  const Operand out = op.output(a.out, "attentionOut", half_types, {.contiguous = true});
  op.same_type(out, query);
  const std::string out_layout = layout == "BNSD_BSND" ? "BSND" : layout;
  op.shape_is(out, layout == "BNSD_BSND" ? Shape{batch, queries, a.heads, size} : query.shape);
  std::optional<Operand> sums;
  op.require(a.with_sums == (a.sums != nullptr), "softmaxLse goes with softmaxLseFlag");
  if (a.with_sums) {
    sums = op.output(a.sums, "softmaxLse", types({ACL_FLOAT}), {.contiguous = true});
    op.shape_is(*sums, {batch, a.heads, queries, 1});
  }
  op.workspace((1 << 20) + static_cast<uint64_t>(out.elements()) * 4);
  double pairs = 0, seen = 0;
  for (size_t b = 0; b < key_lengths.size(); ++b) {
    pairs += static_cast<double>(query_lengths[b]) * static_cast<double>(key_lengths[b]);
    seen += static_cast<double>(key_lengths[b]);
  }
  op.operations(4 * pairs * static_cast<double>(a.heads * size));
  const double read = seen * static_cast<double>(key_heads * size) * static_cast<double>(query.element_bytes());
  for (const Cache* cache : {&keys, &values}) {
    for (const Operand& tensor : cache->tensors) op.moves(tensor, read / static_cast<double>(cache->tensors.size()));
  }

  const FusedArguments arguments = a;
  op.run([=](const Work& work) {
    const Integers blocks = table ? integers(work[*table]) : Integers{};
    const std::vector<uint8_t> excluded = mask.values(work);
    const Tensor from = by_heads(work[query], layout == "BNSD_BSND" ? "BNSD" : layout, arguments.heads);
    const Tensor to = by_heads(work[out], out_layout, arguments.heads);
    for (int64_t b = 0; b < batch; ++b)
      keys.check_blocks(work, blocks, max_blocks, b, key_lengths[static_cast<size_t>(b)]);
    // Rows past a sequence's length are not written to by the device: here they turn into NaN.
    Floats results(static_cast<size_t>(to.elements()), std::numeric_limits<float>::quiet_NaN());
    Floats logarithms(sums ? static_cast<size_t>(sums->elements()) : 0);
    in_parallel(batch * arguments.heads, [&](int64_t i) {
      const int64_t b = i / arguments.heads, h = i % arguments.heads, key_head = h / (arguments.heads / key_heads);
      const int64_t rows = query_lengths[static_cast<size_t>(b)], length = key_lengths[static_cast<size_t>(b)];
      Head head{rows, length, size, size, head_of(from, b, h, rows), {}, {}};
      head.k = keys.rows(work, blocks, max_blocks, b, key_head, length);
      head.v = values.rows(work, blocks, max_blocks, b, key_head, length);
      HeadRules rules;
      rules.scale = static_cast<float>(arguments.scale);
      rules.zero_masked_rows = (arguments.inner_precise & 2) != 0;
      rules.excluded = mask.of(excluded, b, rows, length);
      Tensor bias;
      if (shift) {
        bias = narrowed(narrowed(work[*shift], 0, shift->shape[0] == 1 ? 0 : b, 1), 1, h, 1);
        rules.bias = [&](int64_t query_row, float* row) {
          const Floats line = floats(narrowed(narrowed(bias, 2, query_row, 1), 3, 0, length));
          std::copy(line.begin(), line.end(), row);
        };
      }
      Floats largest(static_cast<size_t>(rows)), total(static_cast<size_t>(rows));
      attend(head, rules, results.data() + i * queries * size, largest.data(), total.data());
      for (int64_t r = 0; sums && r < rows; ++r) {
        logarithms[static_cast<size_t>(i * queries + r)] =
            largest[static_cast<size_t>(r)] + std::log(total[static_cast<size_t>(r)]);
      }
    });
    store(to, results);
    if (sums) store(work[*sums], logarithms);
  });
}

}  // namespace fake_cann
