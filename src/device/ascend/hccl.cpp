#include "device/ascend/hccl.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/device_failure.h"
#include "device/host_values.h"

namespace lectern::ascend {
namespace {

// The part of HCCL's interface that is used, as in CANN 8.1.RC1 to 8.5.0, where none of it changed.
struct RootInfo {
  char internal[4108];
};
using Comm = void*;

// HcclCommConfig of version 5; later ones are longer, and say so by their size.
struct CommConfig {
  size_t size = sizeof(CommConfig);
  uint32_t magic = 0xf0f0f0f0;
  uint32_t version = 5;
  uint64_t reserved = 0;
  uint32_t buffer_mib = 0;
  uint32_t deterministic = 0;
  char name[128] = {};
  char udi[128] = {};
  uint32_t expansion = 0;  // 0: HCCL's choice, 3: on the vector cores
  uint32_t traffic_class = UINT32_MAX;
  uint32_t service_level = UINT32_MAX;
};

enum DataTypeCode : int { code_i32 = 2, code_f16 = 3, code_f32 = 4, code_bf16 = 11 };
constexpr int sum = 0;
constexpr uint32_t on_vector_cores = 3;

struct Hccl {
  int (*root_info)(RootInfo*);
  int (*join)(uint32_t ranks, const RootInfo*, uint32_t rank, CommConfig*, Comm*);
  int (*all_reduce)(void* from, void* to, uint64_t count, int type, int operation, Comm, aclrtStream);
  int (*all_gather)(void* from, void* to, uint64_t count, int type, Comm, aclrtStream);
  int (*broadcast)(void* values, uint64_t count, int type, uint32_t root, Comm, aclrtStream);
  int (*leave)(Comm);
  const char* (*error_text)(int);  // may be null
};

Hccl functions_of(const Session& session) {
  void* const library = session.library().open("libhccl.so");
  const auto look_up = [&](auto& function, const char* symbol, bool required = true) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(session.library().find_in(library, symbol));
    if (function != nullptr || !required) return;
    throw Error(fmt::format("{}: CANN has no {}{}; cards work on one model by it, so leave `tensor_parallel` out, or "
                            "install the whole toolkit",
                            session.name(), symbol, library == nullptr ? " (libhccl.so cannot be loaded)" : ""),
                ErrorCode::unsupported);
  };
  Hccl hccl = {};
  look_up(hccl.root_info, "HcclGetRootInfo");
  look_up(hccl.join, "HcclCommInitRootInfoConfig");
  look_up(hccl.all_reduce, "HcclAllReduce");
  look_up(hccl.all_gather, "HcclAllGather");
  look_up(hccl.broadcast, "HcclBroadcast");
  look_up(hccl.leave, "HcclCommDestroy");
  look_up(hccl.error_text, "HcclGetErrorString", false);
  return hccl;
}

CommConfig config_of_environment() {
  CommConfig config;
  const char* const aiv = std::getenv("LECTERN_HCCL_AIV");
  if (aiv != nullptr && std::string_view(aiv) == "1") config.expansion = on_vector_cores;
  config.deterministic = config.expansion == on_vector_cores ? 0 : 1;
  config.buffer_mib = 16;
  const char* const buffer = std::getenv("LECTERN_HCCL_BUFFER");
  if (buffer == nullptr || *buffer == '\0') return config;
  const std::string_view text = buffer;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), config.buffer_mib);
  if (error != std::errc() || end != text.data() + text.size() || config.buffer_mib == 0)
    throw Error(fmt::format("LECTERN_HCCL_BUFFER is '{}'; expected MiB, from 1 on", text));
  return config;
}

int code_of(DataType type) {
  switch (type) {
    case DataType::f32: return code_f32;
    case DataType::f16: return code_f16;
    case DataType::bf16: return code_bf16;
    case DataType::i32: return code_i32;
    default: throw Error("HCCL: values of type " + std::string(name_of(type)) + " are not sent");
  }
}

class HcclRank final : public Communicator {
 public:
  HcclRank(Device& device, const Hccl& hccl, const RootInfo& root, int rank, int size)
      : device_(device), session_(session_of(device)), hccl_(hccl), rank_(rank), size_(size) {
    CommConfig config = config_of_environment();
    call("HcclCommInitRootInfoConfig", [&](aclrtStream) {
      return hccl_.join(static_cast<uint32_t>(size), &root, static_cast<uint32_t>(rank), &config, &comm_);
    });
  }
  HcclRank(const HcclRank&) = delete;
  HcclRank& operator=(const HcclRank&) = delete;
  ~HcclRank() override {
    try {
      session_.synchronize();  // work that it serves may be on its way
    } catch (...) {            // said to who waits for the work
      session_.abort();
    }
    hccl_.leave(comm_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void all_reduce(const MutableTensorView& values) override {
    if (values.shape.elements() == 0) return;
    call("HcclAllReduce", [&](aclrtStream stream) {
      return hccl_.all_reduce(values.data, values.data, count_of(values), code_of(values.type), sum, comm_, stream);
    });
  }

  void all_gather(const TensorView& in, const MutableTensorView& out) override {
    if (in.shape.elements() == 0) return;
    call("HcclAllGather", [&](aclrtStream stream) {
      return hccl_.all_gather(const_cast<std::byte*>(in.data), out.data, count_of(in), code_of(in.type),
                              comm_,  // NOLINT
                              stream);
    });
  }

  void broadcast(const MutableTensorView& values, int root) override {
    if (values.shape.elements() == 0) return;
    call("HcclBroadcast", [&](aclrtStream stream) {
      return hccl_.broadcast(values.data, count_of(values), code_of(values.type), static_cast<uint32_t>(root), comm_,
                             stream);
    });
  }

  // HCCL's own barrier does not wait on the host.
  void barrier() override {
    const Tensor one(device_, DataType::f32, {1});
    fill_zero(device_, one);
    all_reduce(one);
    session_.synchronize();
  }

  void abort() noexcept override { session_.abort(); }

 private:
  static uint64_t count_of(const TensorView& values) { return static_cast<uint64_t>(values.shape.elements()); }

  template <typename Call>
  void call(const char* name, const Call& function) {
    try {
      session_.enqueue(name, function, [&](int status) {
        const char* const text = hccl_.error_text != nullptr ? hccl_.error_text(status) : nullptr;
        return fmt::format("{}{}", status, text != nullptr && *text != '\0' ? fmt::format(" ({})", text) : "");
      });
    } catch (const CallFailure& failure) {  // without the others a rank is of no use
      throw DeviceFailure(failure.what());
    }
  }

  Device& device_;
  Session& session_;
  Hccl hccl_;
  int rank_, size_;
  Comm comm_ = nullptr;
};

}  // namespace

std::vector<JoinRanks> hccl_ranks(std::span<Device* const> devices) {
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string name = devices[i]->name();
    if (std::ranges::any_of(devices.first(i), [&](const Device* other) { return other->name() == name; }))
      throw Error(fmt::format("{}: a card serves one rank of a model", name));
  }
  Session& first = session_of(*devices.front());
  const Hccl hccl = functions_of(first);
  const auto root = std::make_shared<RootInfo>();
  first.enqueue(
      "HcclGetRootInfo", [&](aclrtStream) { return hccl.root_info(root.get()); },
      [](int status) { return std::to_string(status); });
  std::vector<JoinRanks> ranks;
  ranks.reserve(devices.size());
  for (size_t i = 0; i < devices.size(); ++i) {
    ranks.emplace_back([&device = *devices[i], hccl, root, rank = static_cast<int>(i),
                        size = static_cast<int>(devices.size())]() -> std::unique_ptr<Communicator> {
      return std::make_unique<HcclRank>(device, hccl, *root, rank, size);
    });
  }
  return ranks;
}

}  // namespace lectern::ascend
