#include "device/cpu/cpu_device.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "core/system/available_memory.h"
#include "core/threads.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matmul/kernel_list.h"
#include "device/cpu/matmul/panels.h"
#include "device/cpu/peak.h"
#include "hwy/targets.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{1} << 21;

// What is lowered to others.
constexpr bool has(Operator which) { return which != Operator::conv2d; }

Operators cpu_operators() {
  Operators table;
  // In a generic lambda, so that what the CPU has not need not be defined.
#define LECTERN_TAKE(name, Args, type)                                 \
  [&](auto which) {                                                    \
    if constexpr (has(decltype(which)::value)) table.name = cpu::name; \
  }(std::integral_constant<Operator, Operator::name>());
  LECTERN_OPERATORS(LECTERN_TAKE)
#undef LECTERN_TAKE
  return table;
}

// Values between operators are f32 or, in encoders, bf16.
bool supports(Operator which, DataType type) {
  switch (which) {
    case Operator::copy:
    case Operator::gemm:
    case Operator::gather_rows:
    case Operator::grouped_linear: return true;
    case Operator::linear:
    case Operator::gated_linear:
    case Operator::im2col:
    case Operator::layer_norm:
    case Operator::rms_norm:
    case Operator::rope: return type != DataType::f16;
    case Operator::attention:
      return type == DataType::f32 || (type == DataType::bf16 && cpu::row_type(WeightFormat::bf16) == type);
    default: return type == DataType::f32;
  }
}

// Released blocks are kept for the next tensor of the same size, up to a bound: a model asks for the same few
// sizes again and again, and fresh pages from the system cost as much as the work done on them.
class CpuDevice final : public Device {
 public:
  explicit CpuDevice(const OperatorSet& without) : Device(cpu_operators(), supports, without) {}
  ~CpuDevice() override {
    for (const auto& [size, data] : kept_) std::free(data);
  }

  const char* name() const override { return "cpu"; }
  DeviceInfo info() const override { return describe_cpu().info; }
  DeviceMemory memory() const override { return describe_cpu().memory; }
  std::unique_ptr<DevicePeaks> measure_peaks() override { return cpu::measure_peaks(); }

  std::byte* allocate(size_t bytes) override {
    const size_t size = padded(bytes);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = kept_.find(size); found != kept_.end()) {
        std::byte* data = found->second;
        kept_.erase(found);
        kept_bytes_ -= size;
        return data;
      }
    }
    // Weights are read in long runs: with huge pages the processor looks up far fewer addresses.
    const bool huge = size >= huge_page;
    void* data =
        std::aligned_alloc(huge ? huge_page : alignment, huge ? (size + huge_page - 1) / huge_page * huge_page : size);
    if (huge && data != nullptr) ::madvise(data, size, MADV_HUGEPAGE);
    if (data == nullptr) {
      throw Error(
          "cpu: no memory for " + std::to_string(size >> 20) + " MiB; close other programs or use a smaller `mode`",
          ErrorCode::out_of_memory);
    }
    return static_cast<std::byte*>(data);
  }

  void release(std::byte* data, size_t bytes) noexcept override {
    const size_t size = padded(bytes);
    const std::lock_guard lock(mutex_);
    if (size < max_kept_block && kept_bytes_ + size <= max_kept) {
      try {
        kept_.emplace(size, data);
        kept_bytes_ += size;
        return;
      } catch (...) {  // no memory for the note: give the block back
      }
    }
    std::free(data);
  }

  Weight make_weight(const TensorView& weight, WeightFormat format) override {
    const int64_t out = weight.shape[0];
    const int64_t in = out == 0 ? 0 : weight.shape.elements() / out;
    const TensorView rows = weight.reshaped({out, in});
    switch (format) {
      case WeightFormat::f32: return {rows, in, format, nullptr};
      case WeightFormat::bf16:
      case WeightFormat::q8:
      case WeightFormat::q4: {
        const auto own = room_for_panels(out, in, format);
        cpu::pack(rows, format, own->view().data);
        return panels(own, out, in, format);
      }
    }
    return {};
  }

  Weight pack(const WeightValues& weight) override {
    const auto own = room_for_panels(weight.out, weight.in, weight.format);
    cpu::pack(weight, own->view().data);
    return panels(own, weight.out, weight.in, weight.format);
  }

  Weight packed_weight(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format) override {
    return cpu::attach(bytes, out, in, format);
  }

  void upload(const void* from, const MutableTensorView& to) override {
    if (to.bytes() > 0) std::memcpy(to.data, from, to.bytes());
  }
  void download(const TensorView& from, void* to) override {
    if (from.bytes() > 0) std::memcpy(to, from.data, from.bytes());
  }

  // What few rows multiply is small beside the weights, so the decoder keeps its values in f32.
  ComputeTypes compute_types(WeightFormat format) const override {
    return {.encoder = cpu::row_type(format), .decoder = DataType::f32};
  }

 protected:
  CacheFormat native_cache_format(int kv_heads, int head_size, WeightFormat format) const override {
    return cpu::cache_format(kv_heads, head_size, format);
  }

 private:
  std::shared_ptr<Tensor> room_for_panels(int64_t out, int64_t in, WeightFormat format) {
    return std::make_shared<Tensor>(*this, DataType::u8, Shape{cpu::panels_of(out), cpu::panel_bytes(format, in)});
  }
  static Weight panels(const std::shared_ptr<Tensor>& own, int64_t out, int64_t in, WeightFormat format) {
    Weight matrix = cpu::attach(*own, out, in, format);
    matrix.storage = own;
    return matrix;
  }

  static constexpr size_t max_kept = size_t{1} << 30;
  static constexpr size_t max_kept_block = size_t{1} << 28;

  static size_t padded(size_t bytes) {
    return bytes == 0 ? alignment : (bytes + alignment - 1) / alignment * alignment;
  }

  std::mutex mutex_;
  std::multimap<size_t, std::byte*> kept_;
  size_t kept_bytes_ = 0;
};

}  // namespace

Device& cpu_device() {
  static Device* device = new CpuDevice({});  // never destroyed: tensors of static lifetime may outlive main
  return *device;
}

std::unique_ptr<Device> make_cpu_device(const OperatorSet& without) { return std::make_unique<CpuDevice>(without); }

DeviceDescription describe_cpu() {
  DeviceDescription cpu;
  cpu.info.name = cpu.info.kind = "cpu";
  std::string model = "unknown";
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; std::getline(processors, line);) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(std::min(line.size(), line.find(':') + 2));
    break;
  }
  const int64_t targets = hwy::SupportedTargets();  // the best has the lowest bit
  cpu.info.hardware = fmt::format("{}, {} threads, {}", model, threads(), hwy::TargetName(targets & -targets));
  const dnnl_version_t* version = dnnl_version();
  cpu.info.software = fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
  cpu.memory.total = static_cast<size_t>(total_memory());
  cpu.memory.free = static_cast<size_t>(available_memory());
  return cpu;
}

}  // namespace lectern
