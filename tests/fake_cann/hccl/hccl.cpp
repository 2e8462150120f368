// Ranks that work together: threads of this process, a card each. What they do together waits in each card's stream,
// and is done when every rank's stream has come to it; so ranks that wait for their cards wait for each other.
#include "hccl/hccl.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fake_cann/runtime/halves.h"
#include "fake_cann/runtime/ledger.h"
#include "fake_cann/runtime/memory.h"
#include "fake_cann/runtime/state.h"
#include "fake_cann/runtime/stream.h"

namespace fake_cann {
namespace {

// What one rank gives to a meeting.
struct Share {
  std::string call;  // with its sizes: the same for all ranks
  std::vector<float> values;
  bool here = false;
};

// Ranks of one root info.
struct Group {
  explicit Group(uint32_t ranks) : shares(ranks), devices(ranks, -1), aborts(ranks) {}
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Share> shares;
  std::vector<int32_t> devices;  // -1: has not joined
  std::vector<uint32_t> aborts;  // of each rank's stream
  uint32_t joined = 0;
  uint32_t meeting = 0;  // ranks that have left their share, and then those that have taken all
  uint64_t round = 0;
  bool taking = false;
  bool deterministic = true;
};

struct Communicator {
  std::shared_ptr<Group> group;
  uint32_t rank = 0;
  int32_t device = 0;
};

struct State {
  std::mutex mutex;
  std::map<uint64_t, std::shared_ptr<Group>> groups;  // by root info
  uint64_t last_root = 0;
  Registry<Communicator> communicators{"communicator", 0x5600'0000'0000};
  std::chrono::milliseconds patience{10'000};
  std::map<std::string, int> failing;
};

State& state() {
  static auto* const instance = new State;
  return *instance;
}

std::chrono::milliseconds patience() {
  const std::lock_guard lock(state().mutex);
  return state().patience;
}

// For the ranks on a card; later meetings are waited for.
void give_up_waiting(int32_t device) {
  std::vector<std::shared_ptr<Group>> groups;
  {
    const std::lock_guard lock(state().mutex);
    for (const auto& [root, group] : state().groups) groups.push_back(group);
  }
  for (const auto& group : groups) {
    const std::lock_guard lock(group->mutex);
    for (size_t rank = 0; rank < group->devices.size(); ++rank) group->aborts[rank] += group->devices[rank] == device;
    group->changed.notify_all();
  }
}

const Part part = {.profile_changed = nullptr,
                   .forget =
                       [] {
                         const std::lock_guard lock(state().mutex);
                         state().groups.clear();
                         state().communicators.clear();
                         state().patience = std::chrono::milliseconds(10'000);
                         state().failing.clear();
                       },
                   .describe_leaks =
                       [] {
                         const std::lock_guard lock(state().mutex);
                         const size_t count = state().communicators.size();
                         return count == 0 ? std::string() : std::to_string(count) + " communicators of HCCL\n";
                       },
                   .stream_aborted = give_up_waiting};
const bool added = (add_part(part), true);

// The body of an entry point; what it throws becomes HCCL's code.
template <typename Body>
HcclResult call(const char* name, const Body& body) {
  int ordered = 0;
  {
    const std::lock_guard lock(state().mutex);
    if (const auto found = state().failing.find(name); found != state().failing.end()) {
      ordered = found->second;
      state().failing.erase(found);
    }
  }
  if (ordered != 0) {
    set_error_message(std::string(name) + ": a failure that was ordered");
    return static_cast<HcclResult>(ordered);
  }
  const int code = entry([&] {
    need_initialised();
    body();
  });
  return static_cast<HcclResult>(code);
}

size_t size_of(HcclDataType type) {
  switch (type) {
    case HCCL_DATA_TYPE_INT32:
    case HCCL_DATA_TYPE_FP32: return 4;
    case HCCL_DATA_TYPE_FP16:
    case HCCL_DATA_TYPE_BFP16: return 2;
    default: fail(HCCL_E_NOT_SUPPORT, "the fake has no such type of values");
  }
}

std::vector<float> read(const void* from, uint64_t count, HcclDataType type) {
  std::vector<float> values(count);
  const std::byte* const bytes = bytes_of(from);
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t word = 0;
    std::memcpy(&word, bytes + i * size_of(type), size_of(type));
    switch (type) {
      case HCCL_DATA_TYPE_FP32: values[i] = std::bit_cast<float>(word); break;
      case HCCL_DATA_TYPE_FP16: values[i] = half_to_float(static_cast<uint16_t>(word)); break;
      case HCCL_DATA_TYPE_BFP16: values[i] = lectern::bf16_to_f32(static_cast<uint16_t>(word)); break;
      default: values[i] = static_cast<float>(static_cast<int32_t>(word));
    }
  }
  return values;
}

void write(const std::vector<float>& values, HcclDataType type, void* to) {
  std::byte* const bytes = bytes_of(to);
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t word = 0;
    switch (type) {
      case HCCL_DATA_TYPE_FP32: word = std::bit_cast<uint32_t>(values[i]); break;
      case HCCL_DATA_TYPE_FP16: word = float_to_half(values[i]); break;
      case HCCL_DATA_TYPE_BFP16: word = lectern::f32_to_bf16(values[i]); break;
      default: word = static_cast<uint32_t>(static_cast<int32_t>(values[i]));
    }
    std::memcpy(bytes + i * size_of(type), &word, size_of(type));
  }
}

// Waits until every rank has come, or too long.
template <typename Done>
bool wait_for(Group& group, std::unique_lock<std::mutex>& lock, const Done& done) {
  return group.changed.wait_for(lock, patience(), done);
}

// On the card: leaves a share, waits for those of all, and returns them; nothing where the stream is aborted.
std::vector<std::vector<float>> meet(Group& group, uint32_t rank, const std::string& what, std::vector<float> values) {
  std::unique_lock lock(group.mutex);
  const auto late = [&] { fail(stream_timeout, what + ": the other ranks did not come in time"); };
  const uint32_t aborts = group.aborts[rank];
  const auto aborted = [&] { return group.aborts[rank] != aborts; };
  if (!wait_for(group, lock, [&] { return !group.taking || aborted(); })) late();
  if (aborted()) return {};
  group.shares[rank] = {what, std::move(values), true};
  const uint64_t round = group.round;
  if (++group.meeting == group.shares.size()) {
    group.taking = true;
    ++group.round;
    group.changed.notify_all();
  } else {
    const bool came = wait_for(group, lock, [&] { return group.round != round || aborted(); });
    if (group.round == round) {
      group.shares[rank].here = false;
      --group.meeting;
      if (!came) late();
      return {};
    }
  }
  std::vector<std::vector<float>> all;
  for (const Share& share : group.shares) {
    if (share.call != what) violate("ranks of one communicator met with " + share.call + " and " + what);
    all.push_back(share.values);
  }
  if (--group.meeting == 0) {
    group.taking = false;
    group.changed.notify_all();
  }
  return all;
}

struct Joint {
  const char* name;
  const void* from;
  void* to;
  uint64_t count;  // that a rank gives
  uint64_t taken;  // and gets
  HcclDataType type;
  uint32_t root = 0;
};

// finish(all shares, deterministic) -> what the rank gets.
template <typename Finish>
HcclResult work_together(const Joint& joint, HcclComm comm, aclrtStream stream, const Finish& finish) {
  return call(joint.name, [&] {
    std::shared_ptr<Communicator> own;
    {
      const std::lock_guard lock(state().mutex);
      own = state().communicators.get(comm, HCCL_E_PARA, joint.name);
    }
    if (joint.from == nullptr || joint.to == nullptr) fail(HCCL_E_PTR, std::string(joint.name) + ": a pointer is null");
    const int32_t device = current_device();
    if (device != own->device)
      misuse(HCCL_E_PARA, std::string(joint.name) + ": the rank joined on another card than this thread's");
    const size_t size = size_of(joint.type);
    const std::string what = std::string(joint.name) + " of " + std::to_string(joint.count) + " values of type " +
                             std::to_string(joint.type) + ", root " + std::to_string(joint.root);
    count_exchange(joint.name, static_cast<size_t>(joint.count) * size);
    await_room(stream);
    const Lock held(global_mutex());
    std::vector<Range> ranges = {
        {reinterpret_cast<uintptr_t>(joint.to), static_cast<size_t>(joint.taken) * size, true, "what is received"}};
    if (joint.from != joint.to) {
      ranges.push_back(
          {reinterpret_cast<uintptr_t>(joint.from), static_cast<size_t>(joint.count) * size, false, "what is sent"});
    }
    enqueue(held, stream_of(held, stream),
            {.name = joint.name,
             .ranges = std::move(ranges),
             .run =
                 [own, joint, what, finish] {
                   if (!computes()) return;
                   Group& group = *own->group;
                   const auto all = meet(group, own->rank, what, read(joint.from, joint.count, joint.type));
                   if (!all.empty()) write(finish(all, group.deterministic), joint.type, joint.to);
                 },
             .wait = {},
             .sequence = 0});
  });
}

HcclResult join(const char* name, uint32_t ranks, const HcclRootInfo* root, uint32_t rank, bool deterministic,
                HcclComm* comm) {
  return call(name, [&] {
    if (root == nullptr || comm == nullptr) fail(HCCL_E_PTR, std::string(name) + ": a pointer is null");
    if (ranks == 0 || rank >= ranks) fail(HCCL_E_PARA, std::string(name) + ": no such rank");
    const int32_t device = current_device();
    uint64_t id = 0;
    std::memcpy(&id, root->internal, sizeof(id));
    std::shared_ptr<Group> group;
    {
      const std::lock_guard lock(state().mutex);
      if (id == 0 || id > state().last_root) fail(HCCL_E_PARA, std::string(name) + ": this is no root info");
      auto& found = state().groups[id];
      if (!found) found = std::make_shared<Group>(ranks);
      group = found;
    }
    {
      std::unique_lock lock(group->mutex);
      if (group->shares.size() != ranks) fail(HCCL_E_PARA, std::string(name) + ": ranks differ in how many they are");
      for (const int32_t other : group->devices) {
        if (other == device) misuse(HCCL_E_PARA, std::string(name) + ": two ranks on one card");
      }
      group->devices[rank] = device;
      group->deterministic &= deterministic;
      ++group->joined;
      group->changed.notify_all();
      if (!wait_for(*group, lock, [&] { return group->joined == ranks; })) {
        group->devices[rank] = -1;
        --group->joined;
        fail(HCCL_E_TIMEOUT, std::string(name) + ": other ranks did not join in time");
      }
    }
    const std::lock_guard lock(state().mutex);
    *comm = state().communicators.add(std::make_shared<Communicator>(Communicator{group, rank, device}));
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

HcclResult HcclGetRootInfo(HcclRootInfo* rootInfo) {
  return call("HcclGetRootInfo", [&] {
    if (rootInfo == nullptr) fail(HCCL_E_PTR, "HcclGetRootInfo: the pointer is null");
    current_device();
    const std::lock_guard lock(state().mutex);
    const uint64_t id = ++state().last_root;
    std::memset(rootInfo->internal, 0, sizeof(rootInfo->internal));
    std::memcpy(rootInfo->internal, &id, sizeof(id));
  });
}

HcclResult HcclCommInitRootInfo(uint32_t nRanks, const HcclRootInfo* rootInfo, uint32_t rank, HcclComm* comm) {
  return join("HcclCommInitRootInfo", nRanks, rootInfo, rank, false, comm);
}

HcclResult HcclCommInitRootInfoConfig(uint32_t nRanks, const HcclRootInfo* rootInfo, uint32_t rank,
                                      const HcclCommConfig* config, HcclComm* comm) {
  size_t size = 0;
  uint32_t magic = 0;
  if (config != nullptr) {
    std::memcpy(&size, config->reserved, sizeof(size));
    std::memcpy(&magic, config->reserved + sizeof(size), sizeof(magic));
  }
  const bool wrong = config == nullptr || magic != HCCL_COMM_CONFIG_MAGIC_WORD || size < sizeof(HcclCommConfig) ||
                     config->hcclBufferSize == 0 || config->hcclDeterministic > 2 || config->hcclOpExpansionMode > 3;
  if (wrong) {
    set_error_message("HcclCommInitRootInfoConfig: the configuration is none");
    return HCCL_E_PARA;
  }
  return join("HcclCommInitRootInfoConfig", nRanks, rootInfo, rank, config->hcclDeterministic == 1, comm);
}

// Not deterministic: sums in another order than that of the ranks.
HcclResult HcclAllReduce(void* sendBuf, void* recvBuf, uint64_t count, HcclDataType dataType, HcclReduceOp op,
                         HcclComm comm, aclrtStream stream) {
  if (op != HCCL_REDUCE_SUM) return HCCL_E_NOT_SUPPORT;
  return work_together({"HcclAllReduce", sendBuf, recvBuf, count, count, dataType}, comm, stream,
                       [](const std::vector<std::vector<float>>& all, bool in_order) {
                         std::vector<float> sum = in_order ? all.front() : all.back();
                         for (size_t i = 1; i < all.size(); ++i) {
                           const std::vector<float>& other = in_order ? all[i] : all[all.size() - 1 - i];
                           for (size_t k = 0; k < sum.size(); ++k) sum[k] += other[k];
                         }
                         return sum;
                       });
}

HcclResult HcclAllGather(void* sendBuf, void* recvBuf, uint64_t sendCount, HcclDataType dataType, HcclComm comm,
                         aclrtStream stream) {
  uint32_t ranks = 0;
  if (const HcclResult status = HcclGetRankSize(comm, &ranks); status != HCCL_SUCCESS) return status;
  return work_together({"HcclAllGather", sendBuf, recvBuf, sendCount, sendCount * ranks, dataType}, comm, stream,
                       [](const std::vector<std::vector<float>>& all, bool) {
                         std::vector<float> gathered;
                         for (const auto& one : all) gathered.insert(gathered.end(), one.begin(), one.end());
                         return gathered;
                       });
}

HcclResult HcclBroadcast(void* buf, uint64_t count, HcclDataType dataType, uint32_t root, HcclComm comm,
                         aclrtStream stream) {
  return work_together({"HcclBroadcast", buf, buf, count, count, dataType, root}, comm, stream,
                       [root](const std::vector<std::vector<float>>& all, bool) { return all.at(root); });
}

HcclResult HcclGetRankId(HcclComm comm, uint32_t* rank) {
  return call("HcclGetRankId", [&] {
    const std::lock_guard lock(state().mutex);
    *rank = state().communicators.get(comm, HCCL_E_PARA, "HcclGetRankId")->rank;
  });
}

HcclResult HcclGetRankSize(HcclComm comm, uint32_t* rankSize) {
  return call("HcclGetRankSize", [&] {
    const std::lock_guard lock(state().mutex);
    const auto own = state().communicators.get(comm, HCCL_E_PARA, "HcclGetRankSize");
    *rankSize = static_cast<uint32_t>(own->group->shares.size());
  });
}

HcclResult HcclCommDestroy(HcclComm comm) {
  return call("HcclCommDestroy", [&] {
    const std::lock_guard lock(state().mutex);
    state().communicators.remove(comm, HCCL_E_PARA, "HcclCommDestroy");
  });
}

const char* HcclGetErrorString(HcclResult code) {
  switch (code) {
    case HCCL_SUCCESS: return "no error";
    case HCCL_E_PARA: return "parameter error";
    case HCCL_E_TIMEOUT: return "timeout";
    default: return "an error";
  }
}

void fake_cann_set_patience(uint32_t milliseconds) {
  const std::lock_guard lock(state().mutex);
  state().patience = std::chrono::milliseconds(milliseconds);
}

void fake_cann_fail_hccl(const char* name, int code) {
  const std::lock_guard lock(state().mutex);
  state().failing[name] = code;
}

uint64_t fake_cann_communicators(void) {
  const std::lock_guard lock(state().mutex);
  return state().communicators.size();
}

}  // extern "C"
