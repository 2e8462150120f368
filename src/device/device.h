// A device: memory, and the operators it has.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "device/operator_table.h"
#include "device/operators.h"
#include "device/parts.h"

namespace lectern {

// A tensor that owns its memory; it goes back to its device's pool. Movable; the device must outlive it.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Device& device, DataType type, const Shape& shape);
  Tensor(Tensor&& other) noexcept { swap(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    swap(other);
    return *this;
  }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  ~Tensor();

  const MutableTensorView& view() const { return view_; }
  operator MutableTensorView() const { return view_; }  // NOLINT: a tensor is used where a view is asked for
  operator TensorView() const { return view_; }         // NOLINT
  const Shape& shape() const { return view_.shape; }
  // For the device's own code: the host may follow it on the cpu device only.
  float* floats() const { return view_.as<float>(); }
  explicit operator bool() const { return view_.data != nullptr; }

 private:
  void swap(Tensor& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(view_, other.view_);
  }
  Device* device_ = nullptr;
  MutableTensorView view_;
};

// The inner types of the model's parts; see operators.h.
struct Precision {
  DataType encoder = DataType::f32;
  DataType decoder = DataType::f32;
};

class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  virtual const char* name() const = 0;
  // Uninitialised memory, aligned for any operator; throws Error when there is none.
  virtual std::byte* allocate(size_t bytes) = 0;
  virtual void release(std::byte* data, size_t bytes) noexcept = 0;
  // Prepares a weight of type f32, f16 or bf16, whose first extent is out and whose others together are in.
  // `weight` must outlive the result.
  virtual Matrix matrix(const TensorView& weight, WeightFormat format) = 0;
  // A weight [out, in] that `matrix` of the cpu device has packed before, without a copy: `bytes` is all of its storage
  // and must outlive the result. Throws Error where the bytes are not of that size, or the device packs otherwise.
  virtual Matrix packed_matrix(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format);
  // A f32 copy on the device of a small tensor in the host's memory, e.g. a norm's weight.
  virtual Tensor vector(const TensorView& values) = 0;
  // Copies f32 values to the host when all work before is done. Throws Error when that work failed.
  virtual void read(const TensorView& values, float* out) = 0;

  virtual Precision precision(WeightFormat format) const = 0;
  // How weights are kept when nobody says how, of a model that is not packed.
  virtual WeightFormat usual_weights() const { return WeightFormat::f32; }
  // The device's own, or that of the replacement where store and paged_attention are replaced.
  CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format) const;

  const OperatorTable& operators() const { return operators_; }
  // Names of the operators that are replaced when a model runs with weights of this format.
  std::vector<std::string> lowered(WeightFormat format) const;
  // Throws Error, with the full list, when operators are missing without which no model runs.
  void require_model_operators(WeightFormat format) const;

  void linear(const LinearArgs& args) { of(args.in.type).linear(*this, args); }
  void conv2d(const Conv2dArgs& args) { of(DataType::f32).conv2d(*this, args); }
  void unfold(const UnfoldArgs& args) { of(args.out.type).unfold(*this, args); }
  void layer_norm(const NormArgs& args) { of(args.out.type).layer_norm(*this, args); }
  void rms_norm(const NormArgs& args) { of(args.out.type).rms_norm(*this, args); }
  void attention(const AttentionArgs& args) { of(args.qkv.type).attention(*this, args); }
  void store(const StoreArgs& args) { of(args.keys.type).store(*this, args); }
  void paged_attention(const PagedAttentionArgs& args) { of(args.queries.type).paged_attention(*this, args); }
  void rope(const RopeArgs& args) { of(args.x.type).rope(*this, args); }
  void experts(const ExpertsArgs& args) { of(args.in.type).experts(*this, args); }
  void gather(const GatherArgs& args) { of(DataType::f32).gather(*this, args); }
  void copy(const CopyArgs& args) { of(narrower(args.in.type, args.out.type)).copy(*this, args); }
  void add(const BinaryArgs& args) { of(DataType::f32).add(*this, args); }
  void multiply(const BinaryArgs& args) { of(args.a.type).multiply(*this, args); }
  void pixels(const PixelsArgs& args) { of(DataType::f32).pixels(*this, args); }

  void activate(const ActivateArgs& args) { of(DataType::f32).activate(*this, args); }
  void softmax(const LineArgs& args) { of(DataType::f32).softmax(*this, args); }
  void grouped_linear(const GroupedLinearArgs& args) { of(args.in.type).grouped_linear(*this, args); }
  void top_k(const TopKArgs& args) { of(DataType::f32).top_k(*this, args); }
  void sort(const SortArgs& args) { of(DataType::f32).sort(*this, args); }
  void gather_rows(const RowsArgs& args) { of(args.in.type).gather_rows(*this, args); }
  void scatter_rows(const RowsArgs& args) { of(DataType::f32).scatter_rows(*this, args); }
  void scatter_add(const RowsArgs& args) { of(DataType::f32).scatter_add(*this, args); }
  void masked_scatter(const MaskedScatterArgs& args) { of(DataType::f32).masked_scatter(*this, args); }
  void cumulative_sum(const LineArgs& args) { of(DataType::f32).cumulative_sum(*this, args); }
  void select(const SelectArgs& args) { of(DataType::f32).select(*this, args); }
  void minus(const PairArgs& args) { of(DataType::f32).minus(*this, args); }
  void rearrange(const MapArgs& args) { of(narrower(args.in.type, args.out.type)).rearrange(*this, args); }
  void product(const ProductArgs& args) { of(args.in.type).product(*this, args); }
  void matmul(const MatmulArgs& args) { of(DataType::f32).matmul(*this, args); }
  void plus(const PairArgs& args) { of(DataType::f32).plus(*this, args); }
  void times(const PairArgs& args) { of(DataType::f32).times(*this, args); }
  void divide(const PairArgs& args) { of(DataType::f32).divide(*this, args); }
  void maximum(const PairArgs& args) { of(DataType::f32).maximum(*this, args); }
  void exp(const MapArgs& args) { of(DataType::f32).exp(*this, args); }
  void sqrt(const MapArgs& args) { of(DataType::f32).sqrt(*this, args); }
  void reduce_sum(const ReduceArgs& args) { of(DataType::f32).reduce_sum(*this, args); }
  void reduce_max(const ReduceArgs& args) { of(DataType::f32).reduce_max(*this, args); }

 protected:
  // What the device lacks, what it has for other types only, and what it is to do without is replaced.
  explicit Device(const Operators& native, const TypeSupport& supports = {}, const OperatorSet& without = {});

  // Of the device's own store and paged_attention; never asked where it has none.
  virtual CacheFormat native_cache_format(int kv_heads, int head_size, WeightFormat format) const = 0;

 private:
  const Operators& of(DataType type) const { return operators_.functions(type); }
  static DataType narrower(DataType a, DataType b) { return a == DataType::f32 || a == DataType::i32 ? b : a; }
  std::vector<DataType> types(WeightFormat format) const;

  OperatorTable operators_;
};

inline Tensor::Tensor(Device& device, DataType type, const Shape& shape) : device_(&device) {
  view_ = {nullptr, type, shape};
  view_.data = device.allocate(view_.bytes());
}

inline Tensor::~Tensor() {
  if (view_.data != nullptr) device_->release(view_.data, view_.bytes());
}

}  // namespace lectern
