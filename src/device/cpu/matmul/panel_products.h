// Products of rows with packed weights; see panels.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/device.h"

namespace lectern::cpu {

// What this processor has beyond the instruction sets that Highway knows here, each level with those before it.
enum class Avx512 : uint8_t {
  none,
  vnni,  // sums of four products of bytes in one instruction
  bf16,  // sums of two products of bf16 in one instruction
};
Avx512 avx512_level();
// For tests: no level above this one is used.
void limit_avx512(Avx512 highest);

inline bool has_int8_products() { return avx512_level() >= Avx512::vnni; }
inline bool has_bf16_products() { return avx512_level() >= Avx512::bf16; }

// Rows in the form that panel_products takes: bf16 or f32 by has_bf16_products(), each padded with zeros to the
// padded inputs of a panel.
class ProductRows {
 public:
  // Of in [rows, columns], f32 or bf16, those that `chosen` names, or all.
  ProductRows(Device& device, const TensorView& in);
  ProductRows(Device& device, const TensorView& in, std::span<const int64_t> chosen);
  // Uninitialised, to be filled.
  ProductRows(Device& device, int64_t rows, int64_t columns);

  int64_t count() const { return view_.shape[0]; }
  int64_t stride() const { return view_.shape[1]; }
  const TensorView& view() const { return view_; }
  MutableTensorView writable() const { return storage_; }

 private:
  Tensor storage_;
  TensorView view_;
};

// out row i = activation(rows[first + i] * weight^T + bias) + residual row i, i < count. With a gate
// silu(x * gate^T) * (x * weight^T), neither bias, activation nor residual. The weights are in panels.
struct PanelProduct {
  const Matrix* weight = nullptr;
  const Matrix* gate = nullptr;  // or of the same shape and format as weight
  const ProductRows* rows = nullptr;
  int64_t first = 0;
  int64_t count = 0;
  const float* bias = nullptr;
  Activation activation = Activation::none;
  const float* residual = nullptr;  // rows lie out_stride apart; may be out
  std::byte* out = nullptr;
  DataType type = DataType::f32;  // of out: f32 or bf16
  int64_t out_stride = 0;         // elements
};
// All of them in one parallel region; every weight is read from memory once.
void panel_products(std::span<const PanelProduct> products);

}  // namespace lectern::cpu
