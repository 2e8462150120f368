// The card's memory: blocks that are handed out again at once, the workspace, and constants.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "device/ascend/runtime/errors.h"
#include "device/ascend/runtime/regions.h"
#include "device/ascend/runtime/session.h"

namespace lectern::ascend {
namespace {

constexpr size_t max_constants = 64;
constexpr size_t max_constant_bytes = size_t{64} << 20;

// Sizes that differ little share their blocks: an eighth of the next lower power of two is the step. What is a multiple
// of it, as many weights are, takes next to nothing more.
size_t block_size(size_t bytes) {
  // The end of a part may be read or written in whole steps of 32 bytes, and 32 more may be read.
  constexpr size_t margin = 512;
  size_t step = 512;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step + margin;
}

// A block of this size, or not much more; null where there is none.
std::byte* take(std::set<std::pair<size_t, std::byte*>>& free, size_t size) {
  const auto found = free.lower_bound({size, nullptr});
  if (found == free.end() || found->first > size + size / 4) return nullptr;
  std::byte* const data = found->second;
  free.erase(found);
  return data;
}

}  // namespace

DeviceMemory Session::memory() {
  const std::lock_guard lock(mutex_);
  bind();
  DeviceMemory found;
  for (const aclrtMemAttr kind : {ACL_HBM_MEM, ACL_DDR_MEM}) {  // the wrong kind is answered with zeros
    check(library_.runtime().memory(kind, &found.free, &found.total), "aclrtGetMemInfo");
    if (found.total != 0) break;
  }
  for (const auto& [size, data] : free_) found.free += size;  // which is given back before memory is said to be out
  return found;
}

std::byte* Session::allocate(size_t bytes) {
  const std::lock_guard lock(mutex_);
  bind();
  const size_t size = block_size(bytes);
  if (arena_ != nullptr) return allocate_in(*arena_, size);
  if (std::byte* const data = take(free_, size)) {
    Block& block = blocks_[data];
    block.free = false;
    block.since = ++handed_out_;
    return data;
  }
  return allocate_new(size);
}

std::byte* Session::allocate_in(Arena& arena, size_t size) {
  std::byte* data = take(arena.free, size);
  if (data == nullptr) data = take(free_, size);
  if (data == nullptr) {
    not_while_capturing("new memory");
    data = allocate_new(size);
  }
  Block& block = blocks_[data];
  block.free = false;
  block.arena = &arena;
  ++arena.in_use;
  return data;
}

std::byte* Session::allocate_own(size_t bytes) {
  Arena* const arena = std::exchange(arena_, nullptr);
  try {
    std::byte* const data = allocate(bytes);
    arena_ = arena;
    blocks_[data].since = 0;
    return data;
  } catch (...) {
    arena_ = arena;
    throw;
  }
}

// Its blocks are handed out as others are; nothing is captured any more that uses them.
void Session::give_back(Arena& arena) noexcept {
  if (arena.workspace != nullptr) release(arena.workspace);
  for (const auto& [size, data] : arena.free) {
    blocks_[data].arena = nullptr;
    try {
      free_.emplace(size, data);
    } catch (...) {  // no memory for the note: the block is given back with the session
    }
  }
  arena = {};
}

std::byte* Session::allocate_new(size_t size) {
  const Runtime& runtime = library_.runtime();
  void* data = nullptr;
  int status = runtime.allocate(&data, size, ACL_MEM_MALLOC_HUGE_FIRST);
  for (const auto give_back : {&Session::give_back_free_blocks, &Session::give_back_arenas}) {
    if (status == ACL_SUCCESS || !(this->*give_back)()) continue;
    status = runtime.allocate(&data, size, ACL_MEM_MALLOC_HUGE_FIRST);
  }
  if (status != ACL_SUCCESS) {
    const std::string reason = describe_code(status) + error_text();
    size_t free = 0;
    size_t total = 0;
    runtime.memory(ACL_HBM_MEM, &free, &total);
    throw Error(
        fmt::format("{}: no memory for {} MiB on the card ({} of {} MiB are free): {}; end other programs on it, use a "
                    "smaller `mode` or `batch`, or share the model between several cards with `tensor_parallel`",
                    name_, (size + (1 << 20) - 1) >> 20, free >> 20, total >> 20, reason),
        ErrorCode::out_of_memory);
  }
  blocks_[static_cast<std::byte*>(data)] = {.size = size, .since = ++handed_out_};
  return static_cast<std::byte*>(data);
}

// aclrtFree does not wait for the stream, so it is waited for first. False when there is none to give back.
bool Session::give_back_free_blocks() {
  if (free_.empty()) return false;
  library_.runtime().recent_error();
  synchronize();
  for (const auto& [size, data] : free_) {
    library_.runtime().release(data);
    blocks_.erase(data);
  }
  free_.clear();
  return true;
}

void Session::release(std::byte* data) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    forget_derived(data);
    Block& block = blocks_.at(data);
    if (std::exchange(block.in_graph, false)) {
      for (Regions* regions : regions_) regions->forget();
    }
    (block.arena != nullptr ? block.arena->free : free_).emplace(block.size, data);
    if (block.arena != nullptr) --block.arena->in_use;
    block.free = true;
  } catch (...) {  // no memory for the note: the block is given back with the session
  }
}

const std::byte* Session::derived(const std::byte* source, uint64_t kind, size_t bytes, const Make& make) {
  const std::lock_guard lock(mutex_);
  if (!blocks_.contains(const_cast<std::byte*>(source))) return nullptr;
  const std::pair key = {source, kind};
  if (const auto found = derived_.find(key); found != derived_.end()) return found->second;
  not_while_capturing("something new of a weight");
  std::byte* const data = allocate_own(bytes);
  try {
    make(data);
    derived_.emplace(key, data);
  } catch (...) {
    release(data);
    throw;
  }
  return data;
}

void Session::forget_derived(const std::byte* source) noexcept {
  for (auto at = derived_.lower_bound({source, 0}); at != derived_.end() && at->first.first == source;) {
    std::byte* const data = at->second;
    at = derived_.erase(at);
    release(data);
  }
}

std::byte* Session::workspace_of(size_t bytes) {
  std::byte*& workspace = arena_ != nullptr ? arena_->workspace : workspace_;
  size_t& size = arena_ != nullptr ? arena_->workspace_bytes : workspace_bytes_;
  if (bytes > size) {
    if (workspace != nullptr) release(workspace);
    workspace = nullptr;
    size = 0;
    workspace = allocate(bytes + bytes / 4);
    size = bytes + bytes / 4;
  }
  return workspace;
}

void Session::drop(std::map<std::string, Constant>::iterator constant) {
  constant_bytes_ -= constant->second.bytes;
  release(constant->second.data);
  constants_.erase(constant);
}

const std::byte* Session::constant(const std::string& name, size_t bytes, const Fill& fill) {
  const std::lock_guard lock(mutex_);
  bind();
  if (const auto found = constants_.find(name); found != constants_.end()) {
    found->second.used = ++constant_uses_;
    return found->second.data;
  }
  while (!constants_.empty() && (constants_.size() >= max_constants || constant_bytes_ + bytes > max_constant_bytes)) {
    drop(std::ranges::min_element(constants_, {}, [](const auto& c) { return c.second.used; }));
  }
  not_while_capturing("a new constant");
  std::byte* data = allocate_own(bytes);
  const auto made = constants_.try_emplace(name, Constant{data, bytes, 0}).first;
  constant_bytes_ += bytes;
  try {
    upload(data, bytes, fill);
  } catch (...) {
    drop(made);
    throw;
  }
  made->second.used = ++constant_uses_;
  return data;
}

}  // namespace lectern::ascend
