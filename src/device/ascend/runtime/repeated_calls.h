// Calls of operators that come back with the same operands at the same addresses, as those of a decoder's steps do:
// their executors are kept, and from the second time on only the second half of the call is made.
//
// None is kept with an array of the host, since lengths of sequences change with every step, nor one with operands so
// large that only the card is waited for. aclnn decides which executors can be kept; the others run once, as usual.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>

#include "device/ascend/runtime/objects.h"

namespace lectern::ascend {

// What a call is told apart by: all that it is given, and the thread, since aclnn does not say that others may use its
// executors.
class CallKey {
 public:
  explicit CallKey(const char* function) : text_(function) {
    add(std::hash<std::thread::id>()(std::this_thread::get_id()));
  }

  void add(const View& view) {
    add('v');
    add(view.data);
    add(view.type);
    add(view.rank);
    for (size_t i = 0; i < view.rank; ++i) {
      add(view.extents[i]);
      add(view.strides[i]);
    }
    count(view);
  }
  void add(const ViewList& list) {
    add('l');
    add(list.views.size());
    const auto [largest, second] = std::pair{largest_, second_};
    for (const View& view : list.views) add(view);
    largest_ = largest;
    second_ = second;
    if (!list.views.empty()) count(list.views.front());  // a list of weights is as one of them
  }
  void add(Scalar scalar) { add(scalar.value); }
  void add(Absent) { add('-'); }
  template <typename T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) void add(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  // Of all operands but the largest, which is a weight or a cache.
  bool is_small() const { return second_ <= max_elements; }
  std::string&& take() { return std::move(text_); }

 private:
  static constexpr int64_t max_elements = int64_t{1} << 24;

  void count(const View& view) {
    const int64_t elements = view.elements();
    second_ = std::max(second_, std::min(elements, largest_));
    largest_ = std::max(largest_, elements);
  }

  std::string text_;
  int64_t largest_ = 0;
  int64_t second_ = 0;
};

template <typename Argument>
constexpr bool is_host_array = std::is_same_v<Argument, IntegerArray> || std::is_pointer_v<Argument>;

// Empty for a call that is not kept.
template <typename... Arguments>
std::string key_of_call(const char* function, const Arguments&... arguments) {
  if constexpr ((is_host_array<Arguments> || ...)) {
    return {};
  } else {
    CallKey key(function);
    (key.add(arguments), ...);
    return key.is_small() ? key.take() : std::string();
  }
}

class RepeatedCalls {
 public:
  struct Call {
    aclOpExecutor* executor = nullptr;  // null for one that aclnn does not let be kept
    uint64_t workspace = 0;
  };

  // Keeps none where `enabled` is false or CANN lacks a function for it.
  RepeatedCalls(const Objects& objects, bool enabled, size_t most);
  RepeatedCalls(const RepeatedCalls&) = delete;
  RepeatedCalls& operator=(const RepeatedCalls&) = delete;
  ~RepeatedCalls() { clear(); }

  bool enabled() const { return enabled_; }
  // Null for a call that was not seen before.
  const Call* find(const std::string& key);
  // Makes an executor that has not run repeatable and keeps it with its operands. Null where that is refused: it is as
  // it was.
  const Call* keep(std::string key, const Call& call, std::shared_ptr<const void> operands);
  // Before a call is prepared that may be kept: no executor ends between its preparation and its being made
  // repeatable.
  void make_room() noexcept;
  void drop(const std::string& key) noexcept;
  void clear() noexcept;

 private:
  struct Kept {
    std::string key;
    Call call;
    std::shared_ptr<const void> operands;  // they must live as long as the executor
  };
  void end(Kept& kept) noexcept;

  const Objects& objects_;
  bool enabled_;
  size_t most_;
  std::list<Kept> kept_;  // those used last at the front
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_key_;
};

}  // namespace lectern::ascend
