// Attention on bf16; all of it runs only where avx512_level() is bf16. See kernels.h and operators.h.
#pragma once

#include "device/operators/operators.h"

namespace lectern::cpu::bf16 {

// qkv and out are bf16.
void encoder_attention(Device& device, const AttentionArgs& args);

// A cache of bf16; keys, values, queries and results are f32.
CacheFormat cache_format(int kv_heads, int head_size);
void write_kv(const WriteKvArgs& args);
// One query head of the rows first .. first + rows - 1 of a sequence, at most attention_rows of them.
void attend_rows(const PagedAttentionArgs& args, const SequenceRows& sequence, int64_t head, int64_t first,
                 int64_t rows);
inline constexpr int64_t attention_rows = 48;

}  // namespace lectern::cpu::bf16
