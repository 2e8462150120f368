#include "fake_cann/runtime/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

constexpr size_t window_bytes = size_t{256} << 30;  // address space, not memory
constexpr size_t page = 4096;
constexpr size_t alignment = 64;

struct Allocation {
  size_t bytes = 0;
  int32_t device = 0;
};

struct Memory {
  uintptr_t window = 0;  // no access
  std::byte* backing = nullptr;
  size_t used = 0;  // of the windows: addresses are not given out twice
  std::map<uintptr_t, Allocation> allocations;
  std::map<uintptr_t, size_t> pinned;

  Memory() {
    void* seen = mmap(nullptr, window_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void* real =
        mmap(nullptr, window_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (seen == MAP_FAILED || real == MAP_FAILED) {
      std::fprintf(stderr, "fake_cann: no address space for the memory of the devices\n");
      std::abort();
    }
    window = reinterpret_cast<uintptr_t>(seen);
    backing = static_cast<std::byte*>(real);
  }
};

Memory& memory() {
  static auto* const instance = new Memory;
  return *instance;
}

std::string hexadecimal(uintptr_t value) {
  char text[32];
  std::snprintf(text, sizeof(text), "0x%zx", static_cast<size_t>(value));
  return text;
}

// The living block that holds the address, or the end of the map.
auto block_of(uintptr_t address) {
  auto at = memory().allocations.upper_bound(address);
  if (at == memory().allocations.begin()) return memory().allocations.end();
  --at;
  return address < at->first + at->second.bytes ? at : memory().allocations.end();
}

aclError allocate(void** address, size_t size) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    if (address == nullptr) fail(invalid_parameter, "aclrtMalloc: the pointer is null");
    *address = nullptr;
    if (size == 0) fail(runtime_parameter, "aclrtMalloc: the size is 0");
    count(FAKE_CANN_MALLOC, device);
    const Lock held(global_mutex());
    check_unsafe_in_capture(held, device, "aclrtMalloc");
    const size_t total = memory_of(device);
    if (size > total || (size + 31) / 32 * 32 + 32 > total - memory_in_use(device)) {
      note_failure(device);
      fail(device_out_of_memory,
           "aclrtMalloc: device " + std::to_string(device) + " has no " + std::to_string(size) + " bytes left");
    }
    // 32 bytes more than asked for, rounded up to 32; a block of its own pages that starts at an odd multiple of 64.
    const size_t bytes = (size + 31) / 32 * 32 + 32;
    const size_t taken = (bytes + alignment + page - 1) / page * page;
    if (taken > window_bytes - memory().used) fail(device_out_of_memory, "aclrtMalloc: the fake is out of addresses");
    const uintptr_t begin = memory().window + memory().used + alignment;
    if (computes()) std::memset(memory().backing + memory().used + alignment, 0xff, bytes);  // NaN in every float type
    memory().used += taken;
    memory().allocations[begin] = {bytes, device};
    *address = reinterpret_cast<void*>(begin);  // NOLINT: the address that the host sees
  });
}

}  // namespace

bool is_device_memory(const void* address) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  return value >= memory().window && value < memory().window + window_bytes;
}

std::byte* bytes_of(const void* address) {
  if (!is_device_memory(address)) return static_cast<std::byte*>(const_cast<void*>(address));
  return memory().backing + (reinterpret_cast<uintptr_t>(address) - memory().window);
}

void check_device_range(const Range& range, int32_t device, const std::string& what) {
  const std::string place = what + ": " + std::to_string(range.bytes) + " bytes at " + hexadecimal(range.begin);
  if (!is_device_memory(reinterpret_cast<const void*>(range.begin))) {  // NOLINT
    misuse(runtime_parameter, place + " are not device memory");
  }
  const auto block = block_of(range.begin);
  if (block == memory().allocations.end())
    misuse(runtime_parameter, place + " lie in no block, or in one freed before");
  if (block->second.device != device) {
    misuse(runtime_parameter, place + " belong to device " + std::to_string(block->second.device));
  }
  if (range.end() > block->first + block->second.bytes) {
    misuse(runtime_parameter, place + " reach " + std::to_string(range.end() - block->first - block->second.bytes) +
                                  " bytes past the end of their block");
  }
}

bool is_pinned(const void* address, size_t bytes) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  auto at = memory().pinned.upper_bound(value);
  if (at == memory().pinned.begin()) return false;
  --at;
  return value + bytes <= at->first + at->second;
}

size_t memory_in_use(int32_t device) {
  size_t sum = 0;
  for (const auto& [begin, block] : memory().allocations) sum += block.device == device ? block.bytes : 0;
  return sum;
}

size_t memory_of(int32_t device) {
  const Profile now = profile();
  const auto at = now.memory_of.find(device);
  return at == now.memory_of.end() ? now.memory : at->second;
}

void free_all_memory() {
  for (const auto& [begin, bytes] : memory().pinned) std::free(reinterpret_cast<void*>(begin));  // NOLINT
  memory().pinned.clear();
  memory().allocations.clear();
  madvise(memory().backing, memory().used, MADV_DONTNEED);
  memory().used = 0;
}

std::string describe_memory_leaks() {
  std::string text;
  size_t bytes = 0;
  for (const auto& [begin, block] : memory().allocations) bytes += block.bytes;
  if (const size_t blocks = memory().allocations.size(); blocks > 0) {
    text += std::to_string(blocks) + " blocks of device memory, " + std::to_string(bytes) + " bytes\n";
  }
  if (!memory().pinned.empty()) text += std::to_string(memory().pinned.size()) + " blocks of pinned memory\n";
  return text;
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy) { return allocate(devPtr, size); }
aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy) { return allocate(devPtr, size); }

aclError aclrtFree(void* devPtr) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    if (devPtr == nullptr) fail(runtime_parameter, "aclrtFree: the pointer is null");
    const Lock held(global_mutex());
    check_unsafe_in_capture(held, device, "aclrtFree");
    const auto at = memory().allocations.find(reinterpret_cast<uintptr_t>(devPtr));
    if (at == memory().allocations.end()) {
      misuse(runtime_parameter, "aclrtFree: " + hexadecimal(reinterpret_cast<uintptr_t>(devPtr)) +
                                    " is not the start of a block, or was freed before");
    }
    check_not_in_use(held, {at->first, at->second.bytes, true}, "aclrtFree");
    const size_t first = (at->first - memory().window) / page * page;
    madvise(memory().backing + first, (at->second.bytes + alignment + page - 1) / page * page, MADV_DONTNEED);
    memory().allocations.erase(at);
  });
}

aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    if (hostPtr == nullptr || size == 0) fail(invalid_parameter, "aclrtMallocHost: null pointer or size 0");
    *hostPtr = nullptr;
    count(FAKE_CANN_MALLOC_HOST, device);
    {
      const Lock held(global_mutex());
      check_unsafe_in_capture(held, device, "aclrtMallocHost");
    }
    void* made = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (made == nullptr) fail(host_out_of_memory, "aclrtMallocHost: no memory");
    std::memset(made, 0xff, size);
    const Lock held(global_mutex());
    memory().pinned[reinterpret_cast<uintptr_t>(made)] = size;
    *hostPtr = made;
  });
}

aclError aclrtFreeHost(void* hostPtr) {
  return entry([&] {
    need_initialised();
    if (hostPtr == nullptr) fail(runtime_parameter, "aclrtFreeHost: the pointer is null");
    const Lock held(global_mutex());
    const auto at = memory().pinned.find(reinterpret_cast<uintptr_t>(hostPtr));
    if (at == memory().pinned.end()) {
      misuse(runtime_parameter, "aclrtFreeHost: this is not the start of pinned memory, or was freed before");
    }
    check_not_in_use(held, {at->first, at->second, true}, "aclrtFreeHost");
    memory().pinned.erase(at);
    std::free(hostPtr);
  });
}

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* free, size_t* total) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    if (free == nullptr || total == nullptr) fail(invalid_parameter, "aclrtGetMemInfo: a pointer is null");
    const Lock held(global_mutex());
    const bool hbm = attr == ACL_HBM_MEM || attr == ACL_HBM_MEM_HUGE || attr == ACL_HBM_MEM_NORMAL;
    const size_t all = memory_of(device);
    const size_t used = memory_in_use(device);
    *total = hbm ? all : 0;  // the wrong kind of memory gives zeros, not an error
    *free = hbm && used < all ? all - used : 0;
  });
}

int fake_cann_peek(const void* device_memory, void* host, size_t bytes) {
  const Lock held(global_mutex());
  const auto begin = reinterpret_cast<uintptr_t>(device_memory);
  const auto block = block_of(begin);
  if (block == memory().allocations.end() || begin + bytes > block->first + block->second.bytes) return 0;
  std::memcpy(host, bytes_of(device_memory), bytes);
  return 1;
}

}  // extern "C"
