// Products of rows with weights, packed (see panels.h) or as their checkpoint has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/cpu/matmul/kernel_list.h"
#include "device/device.h"

namespace lectern::cpu {

// Rows in the form that the kernels for weights of a format take: of row_type(format), and beside packed weights each
// padded with zeros to the padded inputs of a panel.
class ProductRows {
 public:
  // Of in [rows, columns], f32 or bf16, those that `chosen` names, or all.
  ProductRows(Device& device, const TensorView& in, WeightFormat format);
  ProductRows(Device& device, const TensorView& in, WeightFormat format, std::span<const int64_t> chosen);
  // Uninitialised, to be filled.
  ProductRows(Device& device, int64_t rows, int64_t columns, WeightFormat format);

  int64_t count() const { return view_.shape[0]; }
  int64_t stride() const { return view_.shape[1]; }
  const TensorView& view() const { return view_; }
  MutableTensorView writable() const { return storage_; }

 private:
  Tensor storage_;
  TensorView view_;
};

// out row i = activation(rows[first + i] * weight^T + bias) + residual row i, i < count. With a gate
// silu(x * gate^T) * (x * weight^T), neither bias, activation nor residual.
struct PanelProduct {
  const Weight* weight = nullptr;
  const Weight* gate = nullptr;  // or of the same shape and format as weight
  const ProductRows* rows = nullptr;
  int64_t first = 0;
  int64_t count = 0;
  int64_t written = 0;  // of them, the first; see LinearArgs
  const float* bias = nullptr;
  Activation activation = Activation::none;
  const float* residual = nullptr;  // rows lie out_stride apart; may be out
  std::byte* out = nullptr;
  DataType type = DataType::f32;  // of out: f32 or bf16
  int64_t out_stride = 0;         // elements
};
// All of them in one parallel region; every weight is read from memory once. How the work is shared among the threads
// depends on the number of rows, what is computed does not.
void panel_products(std::span<const PanelProduct> products);

}  // namespace lectern::cpu
