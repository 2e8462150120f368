// The least that docs/devices.md asks of a device, and nothing more. The host cannot follow its addresses; its memory
// begins as numbers that are none; and every operator checks that it stays within what was allocated and is given the
// data types that it was promised.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

#include "device/cpu/cpu_device.h"
#include "device/cpu/kernels.h"
#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern::testing {

class LeastDevice final : public Device {
 public:
  LeastDevice() : Device(least_operators()) {}
  // With something changed.
  explicit LeastDevice(void (*change)(Operators&)) : Device(changed(change)) {}
  ~LeastDevice() override {
    for (const auto& [data, bytes] : blocks_) cpu_device().release(data, bytes);
  }

  const char* name() const override { return "least"; }
  DeviceInfo info() const override { return {.name = "least", .kind = "least", .hardware = {}, .software = {}}; }
  std::byte* allocate(size_t bytes) override {
    if (blocks_.size() >= max_blocks) throw Error("least: no memory; use a smaller `mode`", ErrorCode::out_of_memory);
    std::byte* data = cpu_device().allocate(bytes);
    std::memset(data, 0xff, bytes);
    blocks_[data] = bytes;
    return hide(data);
  }
  void release(std::byte* data, size_t bytes) noexcept override {
    std::byte* const own = reveal(data);
    blocks_.erase(own);
    cpu_device().release(own, bytes);
  }
  Weight make_weight(const TensorView& weight, WeightFormat) override {
    const int64_t out = weight.shape[0];
    const auto own =
        std::make_shared<Tensor>(floats_from_host(*this, weight.reshaped({out, weight.shape.elements() / out})));
    return {*own, own->shape()[1], WeightFormat::f32, own};
  }
  void upload(const void* from, const MutableTensorView& to) override {
    if (to.bytes() > 0) std::memcpy(real(MutableStridedView(to), to.type).data, from, to.bytes());
  }
  void download(const TensorView& from, void* to) override {
    if (from.bytes() > 0) std::memcpy(to, real(StridedView(from), from.type).data, from.bytes());
  }
  ComputeTypes compute_types(WeightFormat) const override { return {}; }

  size_t blocks() const { return blocks_.size(); }
  size_t max_blocks = SIZE_MAX;  // of memory

 protected:
  CacheFormat native_cache_format(int, int, WeightFormat) const override {
    throw std::logic_error("asked for the layout of a cache that the device has not");
  }

 private:
  // Beyond every address that a processor hands out.
  static constexpr uintptr_t offset = uintptr_t{1} << 52;
  static std::byte* hide(std::byte* data) {
    return reinterpret_cast<std::byte*>(reinterpret_cast<uintptr_t>(data) + offset);
  }
  static std::byte* reveal(const std::byte* data) {
    return reinterpret_cast<std::byte*>(reinterpret_cast<uintptr_t>(data) - offset);
  }

  // The view in the host's memory; throws when it is of another type or leaves its block.
  template <typename Byte>
  BasicStridedView<Byte> real(BasicStridedView<Byte> view, DataType type) const {
    if (!view) return view;
    if (view.type != type) throw std::logic_error("a value of type " + std::string(name_of(view.type)));
    if (view.shape.elements() == 0) return view;
    std::byte* const first = reveal(view.data);
    size_t last = 0;
    for (size_t i = 0; i < view.shape.rank(); ++i)
      last += static_cast<size_t>((view.shape[static_cast<int>(i)] - 1) * view.strides[i]);
    auto block = blocks_.upper_bound(first);
    if (block == blocks_.begin() ||
        first + (last + 1) * size_of(type) > std::prev(block)->first + std::prev(block)->second)
      throw std::logic_error("a view beyond its memory: " + to_string(view.shape));
    view.data = first;
    return view;
  }
  template <typename Byte>
  BasicStridedView<Byte> real(const BasicStridedView<Byte>& view) const {
    return real(view, DataType::f32);
  }
  template <typename Byte>
  BasicTensorView<Byte> real(const BasicTensorView<Byte>& view) const {
    return {real(BasicStridedView<Byte>(view)).data, view.type, view.shape};
  }

  static const LeastDevice& self(Device& device) { return static_cast<const LeastDevice&>(device); }
  template <void (*kernel)(Device&, const UnaryArgs&)>
  static void unary(Device& device, const UnaryArgs& args) {
    kernel(cpu_device(), {self(device).real(args.in), self(device).real(args.out)});
  }
  template <void (*kernel)(Device&, const BinaryArgs&)>
  static void binary(Device& device, const BinaryArgs& args) {
    const LeastDevice& own = self(device);
    kernel(cpu_device(), {own.real(args.a), own.real(args.b), args.number, own.real(args.out)});
  }
  template <void (*kernel)(Device&, const ReduceArgs&)>
  static void reduce(Device& device, const ReduceArgs& args) {
    kernel(cpu_device(), {self(device).real(args.in), self(device).real(args.out)});
  }

  static Operators least_operators() {
    Operators own;
    own.copy = [](Device& device, const CopyArgs& args) {
      cpu::copy(cpu_device(), {self(device).real(args.in, args.in.type), self(device).real(args.out, args.out.type)});
    };
    own.gemm = [](Device& device, const GemmArgs& args) {
      Weight weight = args.weight;
      weight.data = self(device).real(weight.data);
      cpu::gemm(cpu_device(), {self(device).real(args.in), weight, self(device).real(args.out)});
    };
    own.batched_matmul = [](Device& device, const BatchedMatmulArgs& args) {
      const LeastDevice& device_memory = self(device);
      cpu::batched_matmul(cpu_device(),
                          {device_memory.real(args.a), device_memory.real(args.b), device_memory.real(args.out)});
    };
    own.add = binary<cpu::add>;
    own.multiply = binary<cpu::multiply>;
    own.divide = binary<cpu::divide>;
    own.maximum = binary<cpu::maximum>;
    own.exp = unary<cpu::exp>;
    own.sqrt = unary<cpu::sqrt>;
    own.reduce_sum = reduce<cpu::reduce_sum>;
    own.reduce_max = reduce<cpu::reduce_max>;
    return own;
  }

  static Operators changed(void (*change)(Operators&)) {
    Operators own = least_operators();
    change(own);
    return own;
  }

  std::map<std::byte*, size_t> blocks_;
};

}  // namespace lectern::testing
