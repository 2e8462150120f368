// Copies and fills, at once or on a stream.
#include <cstring>

#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

// Rows of `width` bytes, each side with its own distance between them.
struct Copy {
  const char* name;
  void* to;
  size_t to_pitch;
  size_t to_bytes;  // how much the caller says there is
  const void* from;
  size_t from_pitch;
  size_t width, height;
  aclrtMemcpyKind kind;

  size_t extent(size_t pitch) const { return pitch * (height - 1) + width; }
  void run() const {
    for (size_t row = 0; row < height; ++row) {
      if (computes())
        std::memcpy(bytes_of(to) + row * to_pitch, bytes_of(from) + row * from_pitch, width);
      else if (!is_device_memory(to))
        std::memset(static_cast<std::byte*>(to) + row * to_pitch, 0, width);
    }
  }
};

void count_copy(const Copy& copy) {
  const bool reads = is_device_memory(copy.from), writes = is_device_memory(copy.to);
  if (writes && !reads) count_upload();
  if (reads && !writes) count_download(copy.width * copy.height);
}

bool from_device(aclrtMemcpyKind kind, const void* address) {
  if (kind == ACL_MEMCPY_DEFAULT) return is_device_memory(address);
  return kind == ACL_MEMCPY_DEVICE_TO_HOST || kind == ACL_MEMCPY_DEVICE_TO_DEVICE ||
         kind == ACL_MEMCPY_INNER_DEVICE_TO_DEVICE;
}

bool to_device(aclrtMemcpyKind kind, const void* address) {
  if (kind == ACL_MEMCPY_DEFAULT) return is_device_memory(address);
  return kind == ACL_MEMCPY_HOST_TO_DEVICE || kind == ACL_MEMCPY_DEVICE_TO_DEVICE ||
         kind == ACL_MEMCPY_INNER_DEVICE_TO_DEVICE;
}

// Checks a copy and says what memory it touches.
std::vector<Range> check(const Copy& copy, int32_t device, bool asynchronous) {
  const std::string name = copy.name;
  if (copy.to == nullptr || copy.from == nullptr) fail(runtime_parameter, name + ": an address is null");
  if (copy.width == 0 || copy.height == 0) fail(invalid_parameter, name + ": nothing to copy");
  if (copy.to_pitch < copy.width || copy.from_pitch < copy.width) fail(runtime_parameter, name + ": pitch below width");
  if (copy.extent(copy.to_pitch) > copy.to_bytes) fail(runtime_parameter, name + ": count is more than destMax");
  if (copy.kind == ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE || copy.kind == ACL_MEMCPY_INTER_DEVICE_TO_DEVICE ||
      copy.kind < ACL_MEMCPY_HOST_TO_HOST || copy.kind > ACL_MEMCPY_INTER_DEVICE_TO_DEVICE) {
    fail(feature_not_supported, name + ": the fake does not have this kind of copy");
  }
  const bool reads_device = from_device(copy.kind, copy.from);
  const bool writes_device = to_device(copy.kind, copy.to);
  if (asynchronous && !reads_device && !writes_device) fail(feature_not_supported, name + ": host to host");
  std::vector<Range> ranges;
  const auto side = [&](const void* address, size_t bytes, size_t named, bool on_device, bool write) {
    const Range range{reinterpret_cast<uintptr_t>(address), bytes, write, write ? "its target" : "its source"};
    ranges.push_back(range);
    if (on_device) return check_device_range({range.begin, named, write, {}}, device, name + ", " + range.name);
    if (is_device_memory(address))
      misuse(runtime_parameter, name + ": " + range.name + " is device memory, not host memory");
    if (asynchronous && !is_pinned(address, bytes)) {
      fail(invalid_handle, name + ": " + range.name + " is not memory of aclrtMallocHost");
    }
  };
  side(copy.to, copy.extent(copy.to_pitch), copy.to_bytes, writes_device, true);
  side(copy.from, copy.extent(copy.from_pitch), copy.extent(copy.from_pitch), reads_device, false);
  if (asynchronous) {
    for (const Range& range : ranges) {
      if (range.begin % 64 != 0) fail(address_unaligned, name + ": " + range.name + " is not at a multiple of 64");
    }
  }
  return ranges;
}

aclError copy_now(const Copy& copy) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_COPY, device);
    const Lock held(global_mutex());
    check_unsafe_in_capture(held, device, copy.name);
    check_device_error(held, device);
    for (const Range& range : check(copy, device, false)) check_not_in_use(held, range, copy.name);
    count_copy(copy);
    copy.run();
  });
}

aclError copy_later(const Copy& copy, aclrtStream stream) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    count(FAKE_CANN_COPY, device);
    await_room(stream);
    const Lock held(global_mutex());
    std::vector<Range> ranges = check(copy, device, true);
    count_copy(copy);
    enqueue(held, stream_of(held, stream), {copy.name, std::move(ranges), [copy] { copy.run(); }, {}, 0, {}});
  });
}

Range check_fill(const char* name, void* address, size_t most, size_t bytes, int32_t device, bool asynchronous) {
  if (address == nullptr) fail(runtime_parameter, std::string(name) + ": the address is null");
  if (bytes == 0) fail(invalid_parameter, std::string(name) + ": nothing to fill");
  if (bytes > most) fail(runtime_parameter, std::string(name) + ": count is more than maxCount");
  const Range range{reinterpret_cast<uintptr_t>(address), bytes, true, "its target"};
  if (is_device_memory(address))
    check_device_range({range.begin, most, true, {}}, device, name);
  else if (asynchronous && !is_pinned(address, bytes)) {
    fail(invalid_handle, std::string(name) + ": this is not memory of aclrtMallocHost");
  }
  return range;
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) {
  return copy_now({"aclrtMemcpy", dst, count, destMax, src, count, count, 1, kind});
}

aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  return copy_later({"aclrtMemcpyAsync", dst, count, destMax, src, count, count, 1, kind}, stream);
}

aclError aclrtMemcpy2d(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind) {
  const size_t bytes = height == 0 ? 0 : dpitch * (height - 1) + width;
  return copy_now({"aclrtMemcpy2d", dst, dpitch, bytes, src, spitch, width, height, kind});
}

aclError aclrtMemcpy2dAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                            aclrtMemcpyKind kind, aclrtStream stream) {
  const size_t bytes = height == 0 ? 0 : dpitch * (height - 1) + width;
  return copy_later({"aclrtMemcpy2dAsync", dst, dpitch, bytes, src, spitch, width, height, kind}, stream);
}

aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    fake_cann::count(FAKE_CANN_COPY, device);
    const Lock held(global_mutex());
    check_unsafe_in_capture(held, device, "aclrtMemset");
    check_device_error(held, device);
    check_not_in_use(held, check_fill("aclrtMemset", devPtr, maxCount, count, device, false), "aclrtMemset");
    if (computes()) std::memset(bytes_of(devPtr), value, count);
  });
}

aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return entry([&] {
    need_initialised();
    const int32_t device = current_device();
    fake_cann::count(FAKE_CANN_COPY, device);
    await_room(stream);
    const Lock held(global_mutex());
    const Range range = check_fill("aclrtMemsetAsync", devPtr, maxCount, count, device, true);
    enqueue(held, stream_of(held, stream),
            {"aclrtMemsetAsync",
             {range},
             [=] {
               if (computes()) std::memset(bytes_of(devPtr), value, count);
             },
             {},
             0,
             {}});
  });
}

}  // extern "C"
