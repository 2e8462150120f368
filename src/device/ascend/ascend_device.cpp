#include "device/ascend/ascend_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "core/threads.h"
#include "device/ascend/kernels/kernels.h"
#include "device/ascend/runtime/regions.h"

namespace lectern::ascend {
namespace {

// Pieces of memory that small weights share: of whole huge pages of the card's, and larger the more is there already,
// so that a small model takes little more than it needs.
constexpr size_t min_piece_bytes = size_t{2} << 20;
constexpr size_t max_piece_bytes = size_t{32} << 20;
constexpr size_t large_bytes = max_piece_bytes / 4;  // a weight of its own

// Of the next piece, which is to hold `least`, beside `placed` bytes.
size_t piece_bytes(size_t placed, size_t least) {
  const size_t wanted = std::clamp(placed / 4, least, max_piece_bytes);
  return (wanted + min_piece_bytes - 1) / min_piece_bytes * min_piece_bytes;
}

// What CANN offers, by the functions that each operator calls.
Operators operators_of(const Session& session) {
  const Functions& f = session.functions();
  Operators table;
  const bool moves = static_cast<bool>(f.inplace_copy);
  const bool adds = f.add && f.inplace_add && f.inplace_adds;
  const bool multiplies = f.matmul && moves && adds;
  if (multiplies && f.gelu && f.silu && (f.fast_gelu || f.swish)) table.linear = linear;
  if (multiplies && f.im2col) table.conv2d = conv2d;
  if (moves && f.im2col) table.im2col = im2col;
  if (f.layer_norm && moves) table.layer_norm = layer_norm;
  if (f.rms_norm && moves) table.rms_norm = rms_norm;
  if ((f.prompt_attention || f.fused_attention) && f.index_select && multiplies) table.attention = attention;
  if (f.fused_attention && (f.inplace_index_copy || f.scatter_nd_update) && f.index_select) {
    table.write_kv = write_kv;
    table.paged_attention = paged_attention;
  }
  if ((f.apply_rotary || f.rotary) && moves) table.rope = rope;
  const bool groups = f.grouped_matmul_v4 || f.grouped_matmul_v5;
  const bool gates = f.moe_gating && f.topk && f.softmax && f.inplace_muls;
  if (groups && gates && f.moe_routing && f.moe_unpermute && f.cast && f.silu && f.mul && table.linear != nullptr)
    table.experts = experts;
  if (table.linear != nullptr && f.silu && f.mul) table.gated_linear = gated_linear;
  if (table.rms_norm != nullptr && table.linear != nullptr && table.rope != nullptr && table.write_kv != nullptr)
    table.project_qkv = project_qkv;
  if (table.rms_norm != nullptr && table.experts != nullptr && table.gated_linear != nullptr)
    table.mixture_of_experts = mixture_of_experts;
  if (f.index_select && moves) table.gather = gather;
  if (table.gather != nullptr) table.embed = embed;
  if (f.argmax && f.log_softmax && f.gather && f.inplace_index_copy && moves) table.argmax = argmax;
  if (table.rms_norm != nullptr && table.linear != nullptr && f.index_select && table.argmax != nullptr)
    table.sample = sample;
  if (f.cast && f.inplace_muls && f.inplace_adds) table.normalize_pixels = normalize_pixels;
  if (moves) table.copy = copy;
  if (adds && moves) table.add = add;
  if (f.mul && f.inplace_muls && moves) table.multiply = multiply;

  if (f.gelu && f.silu && (f.fast_gelu || f.swish) && moves) table.activate = activate;
  if (f.softmax && moves) table.softmax = softmax;
  if (f.index_select) table.gather_rows = gather_rows;
  if (f.inplace_index_copy) table.scatter_rows = scatter_rows;
  if (multiplies) table.gemm = gemm;
  if (f.matmul) table.batched_matmul = batched_matmul;
  if (adds && moves) table.subtract = subtract;
  if (f.div && f.inplace_muls && moves) table.divide = divide;
  if (f.matmul && moves) table.reduce_sum = reduce_sum;
  return table;
}

// The fused attention computes in 16 bits alone, and so do grouped products of weights that lie apart.
TypeSupport support_of(DataType half) {
  return [half](Operator which, DataType type) {
    if (type != DataType::f32) return type == half;
    constexpr std::array narrow_only = {Operator::attention,   Operator::write_kv,    Operator::paged_attention,
                                        Operator::experts,     Operator::project_qkv, Operator::mixture_of_experts,
                                        Operator::gated_linear};
    return std::ranges::find(narrow_only, which) == narrow_only.end();
  };
}

// Values of any type, perhaps not aligned, as another.
void convert(const TensorView& from, size_t first, size_t count, DataType type, std::byte* to) {
  const auto value = [&](size_t i) -> float {
    if (from.type == DataType::f32) {
      float x = 0;
      std::memcpy(&x, from.data + (first + i) * sizeof(x), sizeof(x));
      return x;
    }
    uint16_t bits = 0;
    std::memcpy(&bits, from.data + (first + i) * sizeof(bits), sizeof(bits));
    return from.type == DataType::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  };
  if (from.type == type) {
    std::memcpy(to, from.data + first * size_of(type), count * size_of(type));
    return;
  }
  parallel_shares(static_cast<int64_t>(count), 16384, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const float x = value(i);
      if (type == DataType::f32) {
        reinterpret_cast<float*>(to)[i] = x;
      } else {
        reinterpret_cast<uint16_t*>(to)[i] =
            type == DataType::f16 ? f32_to_f16(std::clamp(x, -65504.0f, 65504.0f)) : f32_to_bf16(x);
      }
    }
  });
}

void send(Session& session, const TensorView& values, const MutableTensorView& to) {
  const size_t size = size_of(to.type);
  session.upload(to.data, to.bytes(), [&](std::byte* pinned, size_t first, size_t count) {
    convert(values, first / size, count / size, to.type, pinned);
  });
}

DataType half_of(const Session& session, std::optional<DataType> wanted) {
  if (wanted == DataType::bf16 && !session.has_bf16()) {
    throw Error(fmt::format("{}: {} has no bf16; choose type=f16, or leave the option and LECTERN_ASCEND_TYPE unset",
                            session.name(), session.chip()),
                ErrorCode::unsupported);
  }
  return wanted.value_or(session.has_bf16() ? DataType::bf16 : DataType::f16);
}

DataType half_named(std::string_view text, std::string_view who) {
  if (text == "f16") return DataType::f16;
  if (text == "bf16") return DataType::bf16;
  throw Error(fmt::format("{} is '{}'; expected f16 or bf16", who, text));
}

std::optional<DataType> half_of_environment() {
  const char* text = std::getenv("LECTERN_ASCEND_TYPE");
  if (text == nullptr || *text == '\0') return std::nullopt;
  return half_named(text, "LECTERN_ASCEND_TYPE");
}

bool switch_of(std::string_view text, const std::string& who) {
  if (text == "0" || text == "1") return text == "1";
  throw Error(fmt::format("{} is '{}'; expected 0 or 1", who, text));
}

}  // namespace

// Called by the operators that an AscendDevice was made with, which have no other device.
Session& session_of(Device& device) {
  assert(dynamic_cast<AscendDevice*>(&device) != nullptr);
  return static_cast<AscendDevice&>(device).session();
}

AscendDevice::AscendDevice(std::unique_ptr<Session> session, DataType half, const OperatorSet& without)
    : Device(operators_of(*session), support_of(half), without), session_(std::move(session)), half_(half) {}

AscendDevice::~AscendDevice() = default;

std::unique_ptr<Session> AscendDevice::take_session(std::unique_ptr<AscendDevice> device) {
  return std::move(device->session_);
}

DataType AscendDevice::type_of(WeightFormat format) const {
  if (format == WeightFormat::f32) return DataType::f32;
  if (format == WeightFormat::bf16) return half_;
  throw Error(fmt::format("{}: weights are kept in 16 bits there, which its matrix units multiply; use `weights` bf16 "
                          "instead of q8 or q4",
                          session_->name()),
              ErrorCode::unsupported);
}

ComputeTypes AscendDevice::compute_types(WeightFormat format) const {
  const DataType type = type_of(format);
  // f16 has not the range for a residual stream.
  const bool narrow = type == DataType::bf16 && session_->functions().add_rms_norm && keeps_narrow_stream();
  return {type, type, narrow ? type : DataType::f32};
}

// Whether all that works on a residual stream of bf16 is the card's own.
bool AscendDevice::keeps_narrow_stream() const {
  constexpr std::array users = {Operator::linear,      Operator::rms_norm,           Operator::experts,
                                Operator::project_qkv, Operator::mixture_of_experts, Operator::gather_rows};
  return std::ranges::all_of(users, [&](Operator which) {
    return !operators().is_absent(which, DataType::bf16) && operators().lowering(which, DataType::bf16) == nullptr;
  });
}

CacheFormat AscendDevice::native_cache_format(int kv_heads, int head_size, WeightFormat format) const {
  return ascend::cache_format(type_of(format), kv_heads, head_size);
}

// Memory for a weight: `offset` bytes into the tensor that is returned.
std::shared_ptr<const Tensor> AscendDevice::place(size_t bytes, size_t& offset) {
  const size_t size = (bytes + 63) / 64 * 64;
  std::shared_ptr<const Tensor> piece = piece_.lock();
  if (!piece) placed_ = 0;  // those of another model are gone
  placed_ += size;
  offset = 0;
  if (reserved_ && reserved_used_ + size <= reserved_->view().bytes()) {
    std::shared_ptr<const Tensor> block = reserved_;
    offset = reserved_used_;
    reserved_used_ += size;
    if (reserved_used_ == block->view().bytes()) reserved_.reset();
    return block;
  }
  if (size > large_bytes) return std::make_shared<Tensor>(*this, DataType::u8, Shape{static_cast<int64_t>(bytes)});
  if (!piece || piece_used_ + size > piece->view().bytes()) {
    const size_t most = piece_bytes(placed_, size);
    piece = std::make_shared<Tensor>(*this, DataType::u8, Shape{static_cast<int64_t>(most)});
    piece_ = piece;
    piece_used_ = 0;
  }
  offset = piece_used_;
  piece_used_ += size;
  return piece;
}

Weight AscendDevice::make_weight(const TensorView& weight, WeightFormat format) {
  const int64_t out = weight.shape[0];
  const int64_t in = out == 0 ? 0 : weight.shape.elements() / out;
  const DataType type = type_of(format);
  size_t offset = 0;
  const std::shared_ptr<const Tensor> storage =
      place(static_cast<size_t>(weight.shape.elements()) * size_of(type), offset);
  const MutableTensorView own(storage->view().data + offset, type, {out, in});
  send(*session_, weight, own);
  return {own, in, format, storage};
}

void AscendDevice::reserve(int64_t values, WeightFormat format) {
  reserved_.reset();
  reserved_used_ = 0;
  reserved_ = std::make_shared<Tensor>(*this, type_of(format), Shape{values});
}

// One block for all: that which was reserved, or a new one; apart only where a part would begin at an address that the
// card does not take.
WeightStack AscendDevice::stack(std::vector<Weight> parts) {
  reserved_.reset();
  if (parts.empty()) return {};
  const TensorView first = parts.front().data;
  int64_t out = 0;
  bool lies_together = true, aligned = true;
  for (const Weight& part : parts) {
    lies_together &= part.data.data == first.data + static_cast<size_t>(out * first.shape[1]) * size_of(first.type);
    aligned &= part.data.bytes() % 64 == 0;
    out += part.out();
  }
  const Shape all = {out, first.shape[1]};
  if (lies_together) return {std::move(parts), {first.data, first.type, all}};
  if (!aligned) return {std::move(parts)};
  const auto storage = std::make_shared<const Tensor>(*this, first.type, all);
  int64_t filled = 0;
  for (Weight& part : parts) {
    const MutableTensorView own = storage->view().slice(filled, part.out());
    copy_view(*session_, own, part.data);
    filled += part.out();
    part.data = own;
    part.storage = storage;
  }
  return {std::move(parts), *storage};
}

DeviceInfo AscendDevice::info() const { return session_->info(); }

void AscendDevice::upload(const void* from, const MutableTensorView& to) {
  session_->upload(to.data, from, to.bytes());
}

namespace {

// Calls copy(begin) with a place where a copy to the host may begin.
template <typename Copy>
void from_aligned(Device& device, const TensorView& from, const Copy& copy) {
  if (from.shape.elements() == 0) return;
  if (reinterpret_cast<uintptr_t>(from.data) % 64 == 0) return copy(from.data);
  const Tensor own(device, from.type, from.shape);
  copy_view(session_of(device), own.view(), from);
  copy(own.view().data);
}

}  // namespace

void AscendDevice::download(const TensorView& from, void* to) {
  from_aligned(*this, from, [&](const std::byte* begin) {
    session_->download(begin, from.bytes(), [&](const std::byte* pinned, size_t first, size_t count) {
      std::memcpy(static_cast<std::byte*>(to) + first, pinned, count);
    });
  });
}

void AscendDevice::download_later(const TensorView& from, std::byte* to) {
  from_aligned(*this, from, [&](const std::byte* begin) { session_->download_later(begin, from.bytes(), to); });
}

namespace {

class StreamEvent final : public Event {
 public:
  explicit StreamEvent(Session& session) : session_(session), event_(session.record()) {}
  StreamEvent(const StreamEvent&) = delete;
  StreamEvent& operator=(const StreamEvent&) = delete;
  ~StreamEvent() override { session_.end(event_); }
  bool passed() override { return session_.has_passed(event_); }
  void wait() override { session_.wait(event_); }

 private:
  Session& session_;
  aclrtEvent event_;
};

}  // namespace

std::unique_ptr<Event> AscendDevice::record() { return std::make_unique<StreamEvent>(*session_); }

// Replacements of the cache's operators write to places that the host knows, which differ from step to step; and those
// that the host computes cannot be captured.
std::unique_ptr<CapturedRegions> AscendDevice::capture_regions(WeightFormat format) {
  if (!session_->captures() || type_of(format) != half_) return nullptr;
  constexpr std::array parts = {Operator::linear, Operator::attention, Operator::project_qkv, Operator::write_kv,
                                Operator::mixture_of_experts};
  const bool own = std::ranges::all_of(parts, [&](Operator which) {
    return !operators().is_absent(which, half_) && operators().lowering(which, half_) == nullptr;
  });
  if (!own) return nullptr;
  return std::make_unique<Regions>(*session_, [this] { return is_profiled(); });
}

std::unique_ptr<Device> make_ascend_device(const AscendOptions& options, const OperatorSet& without) {
  auto session = std::make_unique<Session>(options.session);
  const DataType half = half_of(*session, options.half);
  // Tried with all that it has: what it is to do without may be what a trial calls.
  auto device = std::make_unique<AscendDevice>(std::move(session), half, OperatorSet());
  OperatorSet replaced = without;
  for (const ProbeFailure& failure : probe(*device)) replaced.set(static_cast<size_t>(failure.which));
  device->session().try_capture();
  if (replaced.none()) return device;
  return std::make_unique<AscendDevice>(AscendDevice::take_session(std::move(device)), half, replaced);
}

std::unique_ptr<Device> make_ascend_device(const DeviceName& device, const OperatorSet& without) {
  AscendOptions options;
  const std::string_view name = device.name;
  const std::string_view digits = name.substr(std::min(name.size(), name.find(':') + 1));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), options.session.card);
  if (error != std::errc() || end != digits.data() + digits.size())
    throw Error(fmt::format("there is no device '{}'; cards are named ascend:0, ascend:1 and so on", name),
                ErrorCode::not_found);
  options.half = half_of_environment();
  for (const auto& [key, value] : device.options) {
    const std::string who = fmt::format("device '{}': option {}", name, key);
    if (key == "type") options.half = half_named(value, who);
    if (key == "sync") options.session.synchronous = switch_of(value, who);
    if (key == "repeat") options.session.repeats = switch_of(value, who);
    if (key == "graphs") {
      if (value != "on" && value != "off") throw Error(fmt::format("{} is '{}'; expected on or off", who, value));
      options.session.graphs = value == "on";
    }
  }
  return make_ascend_device(options, without);
}

std::vector<DeviceDescription> describe_ascend_devices() {
  std::vector<DeviceDescription> all;
  uint32_t count = 0;
  std::string software;
  try {
    const Library library;
    count = Session::cards(library);
    software = Session::software(library);
  } catch (const Error&) {
    return all;  // no CANN here, or none that starts
  }
  for (uint32_t card = 0; card < count; ++card) {
    DeviceDescription description;
    description.info = {.name = fmt::format("ascend:{}", card), .kind = "ascend", .hardware = {}, .software = software};
    try {
      Session session({.card = static_cast<int>(card)});
      description.info = session.info();
      description.memory = session.memory();
    } catch (const Error& error) {
      description.info.hardware = fmt::format("cannot be used: {}", error.what());
    }
    all.push_back(std::move(description));
  }
  return all;
}

}  // namespace lectern::ascend
