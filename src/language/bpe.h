// Byte pair encoding: merges the bytes of a piece of text into tokens, two neighbours at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "language/tokenizer_file.h"

namespace lectern {

class BytePairEncoder {
 public:
  // `byte_ids`: the token of each single byte. The earlier of two merges is applied first.
  BytePairEncoder(const std::array<int32_t, 256>& byte_ids, std::span<const Merge> merges);

  // What encode works with, to be kept from piece to piece.
  struct Scratch {
    struct Symbol {
      int32_t id;         // -1: merged into the one before
      uint32_t previous;  // symbols; no_symbol at the ends
      uint32_t next;
    };
    struct Candidate {
      uint32_t rank;      // of the merge
      uint32_t position;  // of the left symbol
      int32_t left;       // the ids when it was found: it is void once they have changed
      int32_t right;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  // Appends the tokens of `piece` to `ids`. Takes n log n time, n < 2^32 - 1 the bytes of the piece.
  void encode(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;

 private:
  // The merges by their pair of ids: a hash table with open addressing.
  struct Slot {
    int32_t left = -1;  // free
    int32_t right = -1;
    uint32_t rank = 0;
    int32_t result = 0;
  };
  const Slot* find(int32_t left, int32_t right) const;
  size_t slot_of(int32_t left, int32_t right) const;

  std::array<int32_t, 256> byte_ids_;
  std::vector<Slot> slots_;  // a power of two of them, at most half in use
  int shift_;                // 64 - log2(slots)
};

}  // namespace lectern
