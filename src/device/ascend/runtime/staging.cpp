#include "device/ascend/runtime/staging.h"

namespace lectern::ascend {

Staging::~Staging() {
  const auto end = [&](auto& slots) {
    for (Slot& slot : slots) {
      if (slot.passed != nullptr) runtime_.destroy_event(slot.passed);
      if (slot.memory != nullptr) runtime_.release_host(slot.memory);
    }
  };
  end(small_slots_);
  end(large_slots_);
}

Staging::Slot& Staging::next_slot(size_t bytes) {
  const bool is_small = bytes <= small;
  Slot& slot =
      is_small ? small_slots_[next_small_++ % small_slots_.size()] : large_slots_[next_large_++ % large_slots_.size()];
  if (slot.memory == nullptr) {
    void* memory = nullptr;
    check(runtime_.allocate_host(&memory, is_small ? small : largest), "aclrtMallocHost");
    slot.memory = static_cast<std::byte*>(memory);
  }
  if (slot.passed == nullptr) check(runtime_.create_event(&slot.passed, ACL_EVENT_SYNC), "aclrtCreateEventExWithFlag");
  if (slot.pending) {
    check(runtime_.synchronize_event(slot.passed), "aclrtSynchronizeEvent");
    slot.pending = false;
  }
  return slot;
}

void Staging::copy_to_card(Slot& slot, std::byte* to, size_t bytes) {
  check(runtime_.copy(to, bytes, slot.memory, bytes, ACL_MEMCPY_HOST_TO_DEVICE, stream_), "aclrtMemcpyAsync");
  const int status = runtime_.record_event(slot.passed, stream_);
  // Without the event only the stream tells when the slot may be used again.
  if (status != ACL_SUCCESS) runtime_.synchronize(stream_);
  slot.pending = status == ACL_SUCCESS;
  check(status, "aclrtRecordEvent");
}

const std::byte* Staging::receive(const std::byte* from, size_t bytes) {
  Slot& slot = next_slot(bytes);
  check(runtime_.copy(slot.memory, bytes, from, bytes, ACL_MEMCPY_DEVICE_TO_HOST, stream_), "aclrtMemcpyAsync");
  return slot.memory;
}

}  // namespace lectern::ascend
