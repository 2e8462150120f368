// The CPU's own operators of device/parts.h, in plain loops: replacements on other devices are measured against them.
#pragma once

#include "device/parts.h"

namespace lectern::cpu {

void rearrange(Device&, const MapArgs&);
void exp(Device&, const MapArgs&);
void sqrt(Device&, const MapArgs&);
void plus(Device&, const PairArgs&);
void minus(Device&, const PairArgs&);
void times(Device&, const PairArgs&);
void divide(Device&, const PairArgs&);
void maximum(Device&, const PairArgs&);
void select(Device&, const SelectArgs&);
void reduce_sum(Device&, const ReduceArgs&);
void reduce_max(Device&, const ReduceArgs&);
void matmul(Device&, const MatmulArgs&);

void product(Device&, const ProductArgs&);
void activate(Device&, const ActivateArgs&);
void softmax(Device&, const LineArgs&);
void cumulative_sum(Device&, const LineArgs&);
void grouped_linear(Device&, const GroupedLinearArgs&);
void top_k(Device&, const TopKArgs&);
void sort(Device&, const SortArgs&);
void gather_rows(Device&, const RowsArgs&);
void scatter_rows(Device&, const RowsArgs&);
void scatter_add(Device&, const RowsArgs&);
void masked_scatter(Device&, const MaskedScatterArgs&);

}  // namespace lectern::cpu
