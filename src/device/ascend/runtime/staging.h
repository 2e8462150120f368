// Pinned memory of the host, through which everything is copied to and from the card while the host goes on.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "device/ascend/runtime/library.h"

namespace lectern::ascend {

class Staging {
 public:
  static constexpr size_t largest = size_t{8} << 20;  // of one copy

  // What of the runtime failed, and its code.
  struct Failure {
    int status;
    const char* operation;
  };

  Staging(const Runtime& runtime, aclrtStream stream) : runtime_(runtime), stream_(stream) {}
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  // fill(pinned) writes what is then copied to the card. Waits only while all slots are on their way. Throws Failure.
  template <typename Fill>
  void send(std::byte* to, size_t bytes, const Fill& fill) {
    Slot& slot = next_slot(bytes);
    fill(slot.memory);
    copy_to_card(slot, to, bytes);
  }
  // Where the bytes will be when the stream has been waited for; good until the next send or receive. Throws Failure.
  const std::byte* receive(const std::byte* from, size_t bytes);

 private:
  struct Slot {
    std::byte* memory = nullptr;
    aclrtEvent passed = nullptr;
    bool pending = false;
  };
  // Small copies, such as the positions of a step, must not wait for the large ones.
  static constexpr size_t small = size_t{64} << 10;

  Slot& next_slot(size_t bytes);
  void copy_to_card(Slot& slot, std::byte* to, size_t bytes);
  void check(int status, const char* operation) const {
    if (status != ACL_SUCCESS) throw Failure{status, operation};
  }

  const Runtime& runtime_;
  aclrtStream stream_;
  std::array<Slot, 16> small_slots_;
  std::array<Slot, 2> large_slots_;
  size_t next_small_ = 0;
  size_t next_large_ = 0;
};

}  // namespace lectern::ascend
