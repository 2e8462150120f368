#include "device/device.h"

#include <fmt/format.h>

#include <new>

#include "device/cpu/matmul/panels.h"
#include "device/lowering/lowerings.h"
#include "device/operators/operator_profile.h"
#include "device/operators/operator_work.h"
#include "lectern/error.h"

namespace lectern {

Device::Device(const Operators& native, const TypeSupport& supports, const OperatorSet& without)
    : operators_(native, supports, without) {}

namespace {

// The narrower of two types, which is the compute type of an operator between them.
DataType narrower(DataType a, DataType b) { return a == DataType::f32 || a == DataType::i32 ? b : a; }

// The one place through which every operator is called.
template <typename Args>
void call(Device& device, OperatorProfile* profile, Operator which, DataType type,
          void (*function)(Device&, const Args&), const Args& args) {
  if (profile == nullptr) return function(device, args);
  profile->record(device, which, type, work_of(args), [&] { function(device, args); });
}

}  // namespace

#define LECTERN_CALL(name, Args, type_rule)                                                                      \
  void Device::name(const Args& args) {                                                                          \
    [[maybe_unused]] constexpr DataType f32 = DataType::f32;                                                     \
    const DataType type = type_rule;                                                                             \
    call(*this, profile_.load(std::memory_order_relaxed), Operator::name, type, operators_.functions(type).name, \
         args);                                                                                                  \
  }
LECTERN_OPERATORS(LECTERN_CALL)
#undef LECTERN_CALL

namespace {

// Of a device that is done when its calls return.
class PassedEvent final : public Event {
 public:
  bool passed() override { return true; }
  void wait() override {}
};

constexpr std::align_val_t host_alignment{64};

}  // namespace

std::byte* Device::allocate_host(size_t bytes) {
  return static_cast<std::byte*>(::operator new(bytes, host_alignment));
}

void Device::release_host(std::byte* data, size_t) noexcept { ::operator delete(data, host_alignment); }

std::unique_ptr<Event> Device::record() { return std::make_unique<PassedEvent>(); }

CacheFormat Device::cache_format(int kv_heads, int head_size, WeightFormat format) const {
  return operators_.lowering(Operator::write_kv, compute_types(format).decoder) != nullptr
             ? lowering::cache_format(kv_heads, head_size)
             : native_cache_format(kv_heads, head_size, format);
}

std::vector<DataType> Device::types(WeightFormat format) const {
  const ComputeTypes computed = compute_types(format);
  return {computed.encoder, computed.decoder};
}

std::vector<std::string> Device::lowered(WeightFormat format) const {
  std::vector<std::string> names;
  for (const Operator which : operators_.lowered(types(format))) names.emplace_back(name_of(which));
  return names;
}

void Device::require_model_operators(WeightFormat format) const {
  std::string list;
  for (const Operator which : operators_.missing(types(format)))
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name_of(which));
  if (list.empty()) return;
  throw Error(
      fmt::format(
          "{}: cannot run a model: it lacks {}, which nothing can replace; see the list of operators of the device",
          name(), list),
      ErrorCode::unsupported);
}

Weight Device::pack(const WeightValues& weight) {
  if (is_quantized(weight.format)) {
    throw Error(
        std::string("was quantized, which device ") + name() + " cannot keep; it needs the model it was made of",
        ErrorCode::unsupported);
  }
  const auto* const bytes = reinterpret_cast<const std::byte*>(weight.values.data());
  return make_weight({bytes, DataType::bf16, {weight.out, weight.in}}, weight.format);
}

Weight Device::packed_weight(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format) {
  return pack(cpu::unpack(cpu::attach(bytes, out, in, format)));
}

Weight Device::packed_part(const TensorView& bytes, int64_t out, int64_t in, WeightFormat format, const Range& rows,
                           const Range& columns) {
  return pack(part_of(cpu::unpack(cpu::attach(bytes, out, in, format)), rows, columns));
}

}  // namespace lectern
