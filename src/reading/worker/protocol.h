// Protocol between Lectern and its workers, processes of the same program that hold a model on one device each. It
// consists of frames, each a header and as many bytes as it says, over a socket on the worker's standard input.
//
//     load(what, where)       -> loaded(facts) | failed
//     make_reader(options)    -> reader_made | failed
//     add(page), cancel, clear  -> any number of steps: what happened to pages, until each has its last event
//     drop_reader, end        no answer
//
// A step that failed for all pages in flight is the last of its epoch: the other end begins the next one with clear,
// and what is still on its way of an older epoch counts for nothing. The worker ends when the other end is gone.
// What the other end sends may be damaged: a length takes no more memory than what came, no position lies outside of
// its text, no box is without limits, and every enumerator is a known one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "lectern/log.h"
#include "lectern/model.h"
#include "reading/page_reader.h"

namespace lectern::worker {

inline constexpr uint32_t magic = 0x3257444c;                   // "LDW2"; the digit counts changes of what follows
inline constexpr uint64_t max_frame_bytes = uint64_t{4} << 30;  // pictures of several pages among them

// The words of the command line that make Lectern a worker, behind its name.
inline constexpr const char* command = "worker";

enum class FrameKind : uint32_t {
  load = 1,
  make_reader,
  add,
  cancel,
  clear,
  drop_reader,
  end,
  loaded = 32,
  reader_made,
  failed,
  step,
};

struct FrameHeader {
  uint32_t magic = worker::magic;
  FrameKind kind = FrameKind::end;
  uint64_t bytes = 0;  // that follow
};
static_assert(std::is_trivially_copyable_v<FrameHeader> && sizeof(FrameHeader) == 16);

struct Frame {
  FrameKind kind = FrameKind::end;
  std::vector<std::byte> bytes;
};

// Receives the next frame; `fill` fills a span with bytes or throws. nullopt if the header is not one of Lectern's.
std::optional<Frame> receive_frame(const std::function<void(std::span<std::byte>)>& fill);

// An exception, on its way to the other process.
struct Failure {
  enum class Kind : uint8_t { error, no_memory, device };
  Kind kind = Kind::error;
  ErrorCode code = ErrorCode::unsupported;
  std::string message;
};
Failure failure_of(const std::exception_ptr& error);
// Error, std::bad_alloc or DeviceFailure.
std::exception_ptr exception_of(const Failure& failure);

struct LoadRequest {
  std::string folder, device, without;
  Weights weights = Weights::automatic;
  int tensor_parallel = 1;  // ranks of the model, on the devices that `device` names
  int threads = 1;
  std::vector<int> processors;  // to keep to; empty: all
  LogLevel log = LogLevel::off;
};

// What is known of a model on its device.
struct ModelFacts {
  std::string device;  // its name, without options
  Weights weights = Weights::automatic;
  std::vector<std::string> lowered;  // operators that were replaced
  int batch = 1;                     // pages that are best read together
  int64_t tokens_of_page = 0;        // vision tokens of each of several pages in one sequence
};

struct ReaderRequest {
  ReadOptions options;
  int batch = 1;
};

struct AddRequest {
  uint64_t epoch = 0;
  PageJob job;
};

struct CancelRequest {
  uint64_t ticket = 0;
};

struct ClearRequest {
  uint64_t epoch = 0;
};

struct StepAnswer {
  uint64_t epoch = 0;
  std::vector<PageEvent> events;
  ReaderLoad load;
  std::optional<Failure> failure;  // of all pages in flight
};

// Serialization of the structures above, bit for bit. from_bytes throws Error for malformed bytes.
template <typename Value>
std::vector<std::byte> to_bytes(Value value);
template <typename Value>
Value from_bytes(std::span<const std::byte> bytes);

}  // namespace lectern::worker
