// Device: memory, copies and operators of a processor or card; tensors and buffers in its memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/range.h"
#include "core/tensor.h"
#include "device/captured_regions.h"
#include "device/device_info.h"
#include "device/operators/operator_table.h"

namespace lectern {

class OperatorProfile;
struct WeightValues;  // quantization.h

// Tensor that owns its memory on a device and gives it back when destroyed. Movable; the device must outlive it.
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

// The compute types of a model's parts: those of the values between operators (operators.h).
struct ComputeTypes {
  DataType encoder = DataType::f32;
  DataType decoder = DataType::f32;
  // Of the decoder's residual stream: f32, or `decoder`, and then sums are handed on to the next norm
  // (ProjectQkvArgs::pending).
  DataType residual = DataType::f32;
};

// A point in a device's queue of work.
class Event {
 public:
  virtual ~Event() = default;
  // Whether all work before it is done. Throws Error when that work failed.
  virtual bool passed() = 0;
  virtual void wait() = 0;
};

// One queue of work: operators and copies happen in the order in which they are given, whatever thread gives them, and
// perhaps later. A second queue on the same hardware is a second Device.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  virtual const char* name() const = 0;  // as in info()
  virtual DeviceInfo info() const = 0;
  // Free and total memory of the device at this moment.
  virtual DeviceMemory memory() const { return {}; }
  // Null where it cannot be measured.
  virtual std::unique_ptr<DevicePeaks> measure_peaks() { return nullptr; }

  // Uninitialised memory, aligned for any operator; throws Error (out_of_memory) when there is none. What is released
  // may be handed out again at once, since everything on the device happens in the order in which it was given.
  virtual std::byte* allocate(size_t bytes) = 0;
  virtual void release(std::byte* data, size_t bytes) noexcept = 0;
  // Host memory for HostBuffer.
  virtual std::byte* allocate_host(size_t bytes);
  virtual void release_host(std::byte* data, size_t bytes) noexcept;

  // Copies bytes to a tensor of any type, in order with the operators. `from` may be used again when it returns.
  virtual void upload(const void* from, const MutableTensorView& to) = 0;
  // Copies a tensor of any type to the host, in order with the operators, and waits for it. Throws Error when work
  // given before failed.
  virtual void download(const TensorView& from, void* to) = 0;
  // The same without waiting: the bytes are at `to`, in a HostBuffer of this device, when an event recorded afterwards
  // has passed.
  virtual void download_later(const TensorView& from, std::byte* to) { download(from, to); }
  // Passes when all work given so far is done.
  virtual std::unique_ptr<Event> record();
  // Waits for all work given so far. Throws Error when that work failed.
  virtual void synchronize() {}
  // For work with a model whose weights are of this format; null where the device captures none of it.
  virtual std::unique_ptr<CapturedRegions> capture_regions(WeightFormat) { return nullptr; }

  // A weight as the device lays it out, of values of type f32, f16 or bf16, whose first extent is out and whose others
  // together are in; `weight` must outlive the result where that has no storage of its own.
  virtual Weight make_weight(const TensorView& weight, WeightFormat format) = 0;
  // A weight that is quantized already. Throws Error for a format that the device cannot keep.
  virtual Weight pack(const WeightValues& weight);
  // A weight [out, in] from a file of `lectern quantize`, in the panels of the cpu device, which uses it without a
  // copy: `bytes` is the whole weight and must outlive the result. Throws Error also when the bytes are of another
  // size.
  virtual Weight packed_weight(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format);
  // Some rows and columns of such a weight, as part_of takes them (quantization.h).
  Weight packed_part(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format, const Range& rows,
                     const Range& columns);
  // A hint: weights with this many values in all are made next and will be stacked. A device that wants them in one
  // block of memory allocates it.
  virtual void reserve(int64_t /*values*/, WeightFormat) {}
  // Weights of this device, of one `in` and format, as one handle. A device may move them together.
  virtual WeightStack stack(std::vector<Weight> parts) { return {std::move(parts)}; }

  virtual ComputeTypes compute_types(WeightFormat format) const = 0;
  // The device's own, or that of the replacement where write_kv and paged_attention are replaced.
  CacheFormat cache_format(int kv_heads, int head_size, WeightFormat format) const;

  const OperatorTable& operators() const { return operators_; }
  // Names of the operators that lowerings replace when a model runs with weights of this format.
  std::vector<std::string> lowered(WeightFormat format) const;
  // Throws Error, listing all of them, if operators are missing without which no model runs.
  void require_model_operators(WeightFormat format) const;

  // The operators: linear(const LinearArgs&) and so on, in the order in which they are called.
#define LECTERN_CALL(name, Args, type) void name(const Args& args);
  LECTERN_OPERATORS(LECTERN_CALL)
#undef LECTERN_CALL

  // Times every operator called from now on, by any thread, until set to null; slower, since it waits for each. The
  // profile must outlive its use.
  void set_profile(OperatorProfile* profile) { profile_ = profile; }
  bool is_profiled() const { return profile_.load(std::memory_order_relaxed) != nullptr; }

 protected:
  // What the device lacks, what it has for other types only, and what it is to do without is replaced.
  explicit Device(const Operators& native, const TypeSupport& supports = {}, const OperatorSet& without = {});

  // Of the device's own write_kv and paged_attention; never asked where it has none.
  virtual CacheFormat native_cache_format(int kv_heads, int head_size, WeightFormat format) const = 0;

 private:
  std::vector<DataType> types(WeightFormat format) const;

  OperatorTable operators_;
  std::atomic<OperatorProfile*> profile_ = nullptr;
};

inline Tensor::Tensor(Device& device, DataType type, const Shape& shape) : device_(&device) {
  view_ = {nullptr, type, shape};
  view_.data = device.allocate(view_.bytes());
}

inline Tensor::~Tensor() {
  if (view_.data != nullptr) device_->release(view_.data, view_.bytes());
}

// Memory of the host that a device copies to without waiting, pinned where that matters. Movable; the device must
// outlive it.
class HostBuffer {
 public:
  HostBuffer() = default;
  HostBuffer(Device& device, size_t bytes) : device_(&device), data_(device.allocate_host(bytes)), bytes_(bytes) {}
  HostBuffer(HostBuffer&& other) noexcept { swap(other); }
  HostBuffer& operator=(HostBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  ~HostBuffer() {
    if (data_ != nullptr) device_->release_host(data_, bytes_);
  }

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data_), bytes_ / sizeof(T)};
  }

 private:
  void swap(HostBuffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  Device* device_ = nullptr;
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace lectern
