// The memory of the devices. Addresses that the host gets lie in a window that is mapped without any access, so that
// touching them ends in a segmentation fault; the bytes lie in a second window at a fixed distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "acl/acl_base.h"

namespace fake_cann {

// A part of device or pinned memory that a piece of work reads or writes.
struct Range {
  uintptr_t begin = 0;
  size_t bytes = 0;
  bool write = false;
  std::string name = {};
  uintptr_t end() const { return begin + bytes; }
  bool conflicts(const Range& other) const {
    return (write || other.write) && begin < other.end() && other.begin < end();
  }
};

bool is_device_memory(const void* address);
// Where the fake finds the bytes of device memory; other addresses are returned as they are.
std::byte* bytes_of(const void* address);
// All of the range lies in one living allocation of this device; a misuse otherwise.
void check_device_range(const Range& range, int32_t device, const std::string& what);
// In one block of aclrtMallocHost.
bool is_pinned(const void* address, size_t bytes);

size_t memory_in_use(int32_t device);
size_t memory_of(int32_t device);
void free_all_memory();
std::string describe_memory_leaks();

}  // namespace fake_cann
