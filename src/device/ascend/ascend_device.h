// Ascend cards as devices, through CANN 8.1.RC1 or later. docs/ascend.md says what was verified, and how.
//
// Weights are kept in 16 bits unless f32 is asked for, for comparisons: bf16 where the chip has it, else f16, or as
// the option type says (f16 or bf16). Values between operators are of the same type. The decoder's residual stream is
// bf16 beside bf16 and f32 beside f16, which overflows; the encoder's is f32.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/ascend/runtime/session.h"
#include "device/device.h"
#include "device/device_list.h"
#include "device/registry.h"

namespace lectern::ascend {

struct AscendOptions {
  SessionOptions session = {};
  std::optional<DataType> half = {};  // f16 or bf16; the chip's best when not given
};

// Opens a card and tries each of its operators on a few values: what CANN lacks, or has no kernel for, is replaced.
// Throws Error when the card cannot be used. Tensors and models on it must be gone before it is.
std::unique_ptr<Device> make_ascend_device(const AscendOptions& options = {}, const OperatorSet& without = {});

// Every card that CANN finds; empty without CANN. Cards that cannot be opened are listed with the reason.
std::vector<DeviceDescription> describe_ascend_devices();
// "ascend:1" with options type (f16, bf16), sync and repeat (0, 1), graphs (on, off); without them,
// LECTERN_ASCEND_TYPE, _SYNC and _REPEAT of the environment say the same, and graphs are on.
inline constexpr std::array<std::string_view, 4> option_names = {"type", "sync", "repeat", "graphs"};
std::unique_ptr<Device> make_ascend_device(const DeviceName& name, const OperatorSet& without);

// What the last probing found: operators of the table that are replaced although CANN names them, with the reason.
struct ProbeFailure {
  Operator which;
  std::string reason;
};

class AscendDevice final : public Device {
 public:
  AscendDevice(std::unique_ptr<Session> session, DataType half, const OperatorSet& without);
  ~AscendDevice() override;

  const char* name() const override { return session_->name().c_str(); }
  DeviceInfo info() const override;
  DeviceMemory memory() const override { return session_->memory(); }
  std::byte* allocate(size_t bytes) override { return session_->allocate(bytes); }
  void release(std::byte* data, size_t) noexcept override { session_->release(data); }
  Weight make_weight(const TensorView& weight, WeightFormat format) override;
  void reserve(int64_t values, WeightFormat format) override;
  WeightStack stack(std::vector<Weight> parts) override;
  void upload(const void* from, const MutableTensorView& to) override;
  void download(const TensorView& from, void* to) override;
  void download_later(const TensorView& from, std::byte* to) override;
  std::byte* allocate_host(size_t bytes) override { return session_->allocate_host(bytes); }
  void release_host(std::byte* data, size_t) noexcept override { session_->release_host(data); }
  std::unique_ptr<Event> record() override;
  void synchronize() override { session_->synchronize(); }
  std::unique_ptr<CapturedRegions> capture_regions(WeightFormat format) override;
  ComputeTypes compute_types(WeightFormat format) const override;

  Session& session() { return *session_; }
  DataType half() const { return half_; }
  // The session of a device that is not used any further.
  static std::unique_ptr<Session> take_session(std::unique_ptr<AscendDevice> device);

 protected:
  CacheFormat native_cache_format(int kv_heads, int head_size, WeightFormat format) const override;

 private:
  DataType type_of(WeightFormat format) const;
  bool keeps_narrow_stream() const;
  std::shared_ptr<const Tensor> place(size_t bytes, size_t& offset);

  std::unique_ptr<Session> session_;
  DataType half_;
  // Small weights share large pieces of memory, which live as long as one of them does.
  std::weak_ptr<const Tensor> piece_;
  size_t piece_used_ = 0;
  size_t placed_ = 0;  // bytes of weights, since there is a piece
  // For the parts of the stack that is made next; null when they are all there.
  std::shared_ptr<const Tensor> reserved_;
  size_t reserved_used_ = 0;
};

// Runs every operator that the device has of its own on what operator_cases.h tries it on. -> those that failed.
std::vector<ProbeFailure> probe(AscendDevice& device);

}  // namespace lectern::ascend
