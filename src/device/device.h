// A device: memory, and the operators it has.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/tensor.h"
#include "device/operators.h"

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
  // A f32 copy on the device of a small tensor in the host's memory, e.g. a norm's weight.
  virtual Tensor vector(const TensorView& values) = 0;
  // Copies f32 values to the host when all work before is done. Throws Error when that work failed.
  virtual void read(const TensorView& values, float* out) = 0;

  virtual Precision precision(WeightFormat format) const = 0;
  virtual CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format) const = 0;

  void linear(const LinearArgs& args) { operators_.linear(*this, args); }
  void conv2d(const Conv2dArgs& args) { operators_.conv2d(*this, args); }
  void unfold(const UnfoldArgs& args) { operators_.unfold(*this, args); }
  void layer_norm(const NormArgs& args) { operators_.layer_norm(*this, args); }
  void rms_norm(const NormArgs& args) { operators_.rms_norm(*this, args); }
  void attention(const AttentionArgs& args) { operators_.attention(*this, args); }
  void store(const StoreArgs& args) { operators_.store(*this, args); }
  void paged_attention(const PagedAttentionArgs& args) { operators_.paged_attention(*this, args); }
  void rope(const RopeArgs& args) { operators_.rope(*this, args); }
  void experts(const ExpertsArgs& args) { operators_.experts(*this, args); }
  void gather(const GatherArgs& args) { operators_.gather(*this, args); }
  void copy(const CopyArgs& args) { operators_.copy(*this, args); }
  void add(const BinaryArgs& args) { operators_.add(*this, args); }
  void multiply(const BinaryArgs& args) { operators_.multiply(*this, args); }
  void pixels(const PixelsArgs& args) { operators_.pixels(*this, args); }

 protected:
  // Entries that the device left empty are lowered.
  explicit Device(const Operators& native);

 private:
  Operators operators_;
};

inline Tensor::Tensor(Device& device, DataType type, const Shape& shape) : device_(&device) {
  view_ = {nullptr, type, shape};
  view_.data = device.allocate(view_.bytes());
}

inline Tensor::~Tensor() {
  if (view_.data != nullptr) device_->release(view_.data, view_.bytes());
}

}  // namespace lectern
