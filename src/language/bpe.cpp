#include "language/bpe.h"

#include <algorithm>
#include <bit>

namespace lectern {
namespace {

constexpr uint32_t no_symbol = UINT32_MAX;

}  // namespace

BytePairEncoder::BytePairEncoder(const std::array<int32_t, 256>& byte_ids, std::span<const Merge> merges)
    : byte_ids_(byte_ids), slots_(std::bit_ceil(2 * merges.size() + 2)), shift_(64 - std::countr_zero(slots_.size())) {
  for (uint32_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    // Of two merges of the same pair the last counts, as in Hugging Face's library.
    slots_[slot_of(merge.left, merge.right)] = {merge.left, merge.right, rank, merge.result};
  }
}

// The slot of a pair, or the free one where it would be put.
size_t BytePairEncoder::slot_of(int32_t left, int32_t right) const {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  size_t slot = (pair ^ pair >> 29) * 0x9E3779B97F4A7C15 >> shift_;
  while (slots_[slot].left != -1 && (slots_[slot].left != left || slots_[slot].right != right)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

const BytePairEncoder::Slot* BytePairEncoder::find(int32_t left, int32_t right) const {
  const Slot& slot = slots_[slot_of(left, right)];
  return slot.left == -1 ? nullptr : &slot;
}

void BytePairEncoder::encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  const auto count = static_cast<uint32_t>(piece.size());
  for (uint32_t i = 0; i < count; ++i) {
    symbols.push_back(
        {byte_ids_[static_cast<uint8_t>(piece[i])], i == 0 ? no_symbol : i - 1, i + 1 < count ? i + 1 : no_symbol});
  }

  // The merge of lowest rank comes off the heap first; of equal ones, the leftmost.
  const auto comes_later = [](const Scratch::Candidate& a, const Scratch::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  };
  const auto candidate_at = [&](uint32_t position) {
    if (position == no_symbol || symbols[position].next == no_symbol) return false;
    const int32_t left = symbols[position].id, right = symbols[symbols[position].next].id;
    const Slot* slot = find(left, right);
    if (slot != nullptr) heap.push_back({slot->rank, position, left, right});
    return slot != nullptr;
  };
  for (uint32_t i = 0; i < count; ++i) candidate_at(i);
  std::make_heap(heap.begin(), heap.end(), comes_later);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), comes_later);
    const Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol& symbol = symbols[best.position];
    if (symbol.id != best.left || symbol.next == no_symbol || symbols[symbol.next].id != best.right) continue;
    Scratch::Symbol& merged = symbols[symbol.next];
    symbol.id = find(best.left, best.right)->result;
    symbol.next = merged.next;
    merged.id = -1;
    if (symbol.next != no_symbol) symbols[symbol.next].previous = best.position;
    if (candidate_at(best.position)) std::push_heap(heap.begin(), heap.end(), comes_later);
    if (candidate_at(symbol.previous)) std::push_heap(heap.begin(), heap.end(), comes_later);
  }
  for (uint32_t i = 0; i < count; i = symbols[i].next) ids.push_back(symbols[i].id);
}

}  // namespace lectern
