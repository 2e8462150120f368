#include "reading/worker/protocol.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <new>
#include <utility>

#include "core/error_code.h"
#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern::worker {
namespace {

template <typename Value>
constexpr bool is_plain = std::is_arithmetic_v<Value> || std::is_enum_v<Value>;
template <typename Value>
constexpr bool is_list = false;
template <typename Value>
constexpr bool is_list<std::vector<Value>> = true;
template <>
constexpr bool is_list<std::string> = true;
template <typename Value>
constexpr bool is_array = false;
template <typename Value, size_t count>
constexpr bool is_array<std::array<Value, count>> = true;
template <typename Value>
constexpr bool is_optional = false;
template <typename Value>
constexpr bool is_optional<std::optional<Value>> = true;

class Packer {
 public:
  template <typename... Values>
  void operator()(Values&... values) {
    (put(values), ...);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void raw(const void* from, size_t count) {
    const auto* const begin = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), begin, begin + count);
  }
  template <typename Value>
  void put(Value& value) {
    if constexpr (is_plain<Value>) {
      raw(&value, sizeof(value));
    } else if constexpr (is_list<Value>) {
      uint64_t count = value.size();
      put(count);
      if constexpr (is_plain<typename Value::value_type>) {
        raw(value.data(), value.size() * sizeof(typename Value::value_type));
      } else {
        for (auto& one : value) put(one);
      }
    } else if constexpr (is_array<Value>) {
      for (auto& one : value) put(one);
    } else if constexpr (is_optional<Value>) {
      bool there = value.has_value();
      put(there);
      if (there) put(*value);
    } else {
      pass(*this, value);
    }
  }

  std::vector<std::byte> bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename... Values>
  void operator()(Values&... values) {
    (get(values), ...);
  }
  bool at_end() const { return bytes_.empty(); }
  [[noreturn]] static void refuse() { throw Error("a worker talks as none does", ErrorCode::corrupt_input); }

 private:
  void raw(void* to, size_t count) {
    if (count > bytes_.size()) refuse();
    if (count > 0) std::memcpy(to, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
  }
  template <typename Value>
  void get(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      uint8_t byte = 0;
      raw(&byte, sizeof(byte));
      if (byte > 1) refuse();
      value = byte == 1;
    } else if constexpr (std::is_enum_v<Value>) {
      std::underlying_type_t<Value> number{};
      raw(&number, sizeof(number));
      if (number > last_of<Value>()) refuse();
      value = static_cast<Value>(number);
    } else if constexpr (is_plain<Value>) {
      raw(&value, sizeof(value));
    } else if constexpr (is_list<Value>) {
      using One = typename Value::value_type;
      uint64_t count = 0;
      get(count);
      if (count > bytes_.size() / (is_plain<One> ? sizeof(One) : 1)) refuse();
      if constexpr (is_plain<One>) {
        value.resize(static_cast<size_t>(count));
        raw(value.data(), value.size() * sizeof(One));
      } else {
        value.clear();
        for (uint64_t i = 0; i < count; ++i) get(value.emplace_back());
      }
    } else if constexpr (is_array<Value>) {
      for (auto& one : value) get(one);
    } else if constexpr (is_optional<Value>) {
      bool there = false;
      get(there);
      value.reset();
      if (there) get(value.emplace());
    } else {
      pass(*this, value);
    }
  }
  template <typename Enum>
  static constexpr uint64_t last_of() {
    if constexpr (std::is_same_v<Enum, ErrorCode>) return static_cast<uint64_t>(ErrorCode::cancelled);
    if constexpr (std::is_same_v<Enum, LogLevel>) return static_cast<uint64_t>(LogLevel::debug);
    if constexpr (std::is_same_v<Enum, Stage>) return static_cast<uint64_t>(Stage::decode);
    if constexpr (std::is_same_v<Enum, PageEvent::Kind>) return static_cast<uint64_t>(PageEvent::Kind::failed);
    if constexpr (std::is_same_v<Enum, Failure::Kind>) return static_cast<uint64_t>(Failure::Kind::device);
    return names<Enum>.empty() ? 0 : names<Enum>.size() - 1;
  }

  std::span<const std::byte> bytes_;
};

// Checks invariants of values that were received.
void expect(const Packer&, bool) {}
void expect(const Unpacker&, bool holds) {
  if (!holds) Unpacker::refuse();
}

// The fields of every structure, for both directions; a new field does not compile until it is added here.

void pass(auto& archive, Box& value) {
  constexpr double limit = 1 << 30;  // pixels are counted in int
  auto& [left, top, right, bottom] = value;
  archive(left, top, right, bottom);
  for (const double edge : {left, top, right, bottom}) expect(archive, std::abs(edge) <= limit);
}
void pass(auto& archive, TextSpan& value) {
  auto& [begin, end, boxes, raw_boxes] = value;
  archive(begin, end, boxes, raw_boxes);
}
void pass(auto& archive, PageWord& value) {
  auto& [box, text, confidence] = value;
  archive(box, text, confidence);
}
void pass(auto& archive, PageLine& value) {
  auto& [box, text, words, confidence] = value;
  archive(box, text, words, confidence);
}
void pass(auto& archive, Block& value) {
  auto& [label, boxes, raw_boxes, text, spans, lines, confidence] = value;
  archive(label, boxes, raw_boxes, text, spans, lines, confidence);
  for (const TextSpan& span : spans) expect(archive, span.begin <= span.end && span.end <= text.size());
}
void pass(auto& archive, Warning& value) {
  auto& [code, message, box] = value;
  archive(code, message, box);
}
void pass(auto& archive, GuardReport& value) {
  auto& [loops, recovered, action, dropped] = value;
  archive(loops, recovered, action, dropped);
}
void pass(auto& archive, PageStats& value) {
  auto& [vision_tokens, prompt_tokens, tokens, render, encode, prefill, decode] = value;
  archive(vision_tokens, prompt_tokens, tokens, render, encode, prefill, decode);
}
void pass(auto& archive, Page& value) {
  auto& [number, width, height, dpi, turn, raw, blocks, error, error_code, finish, mode, blank, of_pdf, has_text, stats,
         guard, warnings, token_logprobs, token_ends, confidence] = value;
  archive(number, width, height, dpi, turn, raw, blocks, error, error_code, finish, mode, blank, of_pdf, has_text,
          stats, guard, warnings, token_logprobs, token_ends, confidence);
  expect(archive, std::ranges::is_sorted(token_ends) && (token_ends.empty() || token_ends.back() <= raw.size()));
}
void pass(auto& archive, ReadOptions& value) {
  auto& [mode, force_mode, max_tiles, prompt, raw, max_tokens, logprobs, temperature, top_p, seed, stop, retry] = value;
  archive(mode, force_mode, max_tiles, prompt, raw, max_tokens, logprobs, temperature, top_p, seed, stop, retry);
}
void pass(auto& archive, Progress& value) {
  auto& [stage, prompt_tokens, tokens, seconds, views, vision_tokens, expected_seconds] = value;
  archive(stage, prompt_tokens, tokens, seconds, views, vision_tokens, expected_seconds);
}
void pass(auto& archive, ReaderLoad& value) {
  auto& [pages, sequences, cache_positions, cache_used, preemptions] = value;
  archive(pages, sequences, cache_positions, cache_used, preemptions);
}
void pass(auto& archive, Failure& value) {
  auto& [kind, code, message] = value;
  archive(kind, code, message);
}

void pass(Packer& archive, std::shared_ptr<const Picture>& value) {
  bool there = value != nullptr;
  Picture picture = there ? *value : Picture();
  archive(there, picture.width, picture.height, picture.rgb);
}
void pass(Unpacker& archive, std::shared_ptr<const Picture>& value) {
  bool there = false;
  Picture picture;
  archive(there, picture.width, picture.height, picture.rgb);
  const bool whole = picture.width >= 0 && picture.height >= 0 &&
                     picture.rgb.size() == static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height) * 3;
  if (!whole) Unpacker::refuse();
  value = there ? std::make_shared<const Picture>(std::move(picture)) : nullptr;
}
void pass(Packer& archive, std::shared_ptr<const ReadOptions>& value) {
  std::optional<ReadOptions> options;
  if (value) options = *value;
  archive(options);
}
void pass(Unpacker& archive, std::shared_ptr<const ReadOptions>& value) {
  std::optional<ReadOptions> options;
  archive(options);
  value = options ? std::make_shared<const ReadOptions>(std::move(*options)) : nullptr;
}
void pass(Packer& archive, std::exception_ptr& value) {
  std::optional<Failure> failure;
  if (value) failure = failure_of(value);
  archive(failure);
}
void pass(Unpacker& archive, std::exception_ptr& value) {
  std::optional<Failure> failure;
  archive(failure);
  value = failure ? exception_of(*failure) : nullptr;
}
// Both processes read one clock.
void pass(Packer& archive, std::chrono::steady_clock::time_point& value) {
  auto count = value.time_since_epoch().count();
  archive(count);
}
void pass(Unpacker& archive, std::chrono::steady_clock::time_point& value) {
  std::chrono::steady_clock::rep count = 0;
  archive(count);
  value = std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(count));
}

void pass(auto& archive, FurtherPage& value) {
  auto& [ticket, picture, page] = value;
  archive(ticket, picture, page);
}
void pass(auto& archive, PageJob& value) {
  auto& [ticket, picture, page, further, options, deadline] = value;
  archive(ticket, picture, page, further, options, deadline);
}
void pass(auto& archive, PageEvent& value) {
  auto& [ticket, kind, keep, more, progress, page, further, error] = value;
  archive(ticket, kind, keep, more, progress, page, further, error);
}
void pass(auto& archive, LoadRequest& value) {
  auto& [folder, device, without, weights, tensor_parallel, threads, processors, log] = value;
  archive(folder, device, without, weights, tensor_parallel, threads, processors, log);
}
void pass(auto& archive, ModelFacts& value) {
  auto& [device, weights, lowered, batch, tokens_of_page] = value;
  archive(device, weights, lowered, batch, tokens_of_page);
}
void pass(auto& archive, ReaderRequest& value) {
  auto& [options, batch] = value;
  archive(options, batch);
}
void pass(auto& archive, AddRequest& value) {
  auto& [epoch, job] = value;
  archive(epoch, job);
}
void pass(auto& archive, CancelRequest& value) { archive(value.ticket); }
void pass(auto& archive, ClearRequest& value) { archive(value.epoch); }
void pass(auto& archive, StepAnswer& value) {
  auto& [epoch, events, load, failure] = value;
  archive(epoch, events, load, failure);
}

}  // namespace

std::optional<Frame> receive_frame(const std::function<void(std::span<std::byte>)>& fill) {
  constexpr uint64_t max_piece = uint64_t{16} << 20;  // room for the next is made when one has come
  FrameHeader header;
  fill(std::as_writable_bytes(std::span(&header, 1)));
  if (header.magic != magic || header.bytes > max_frame_bytes) return std::nullopt;
  Frame frame{header.kind, {}};
  for (uint64_t left = header.bytes; left > 0;) {
    const auto piece = static_cast<size_t>(std::min(left, max_piece));
    frame.bytes.resize(frame.bytes.size() + piece);
    fill(std::span(frame.bytes).last(piece));
    left -= piece;
  }
  return frame;
}

Failure failure_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DeviceFailure& failure) {
    return {Failure::Kind::device, failure.code(), failure.what()};
  } catch (const std::bad_alloc&) {
    return {Failure::Kind::no_memory, ErrorCode::out_of_memory, "not enough memory"};
  } catch (const std::exception& failure) {
    return {Failure::Kind::error, code_of(failure), failure.what()};
  }
}

std::exception_ptr exception_of(const Failure& failure) {
  switch (failure.kind) {
    case Failure::Kind::device: return std::make_exception_ptr(DeviceFailure(failure.message));
    case Failure::Kind::no_memory: return std::make_exception_ptr(std::bad_alloc());
    case Failure::Kind::error: break;
  }
  return std::make_exception_ptr(Error(failure.message, failure.code));
}

template <typename Value>
std::vector<std::byte> to_bytes(Value value) {
  Packer packer;
  packer(value);
  return packer.take();
}

template <typename Value>
Value from_bytes(std::span<const std::byte> bytes) {
  Unpacker unpacker(bytes);
  Value value;
  unpacker(value);
  if (!unpacker.at_end()) Unpacker::refuse();
  return value;
}

template std::vector<std::byte> to_bytes(LoadRequest);
template std::vector<std::byte> to_bytes(ModelFacts);
template std::vector<std::byte> to_bytes(ReaderRequest);
template std::vector<std::byte> to_bytes(AddRequest);
template std::vector<std::byte> to_bytes(CancelRequest);
template std::vector<std::byte> to_bytes(ClearRequest);
template std::vector<std::byte> to_bytes(StepAnswer);
template std::vector<std::byte> to_bytes(Failure);
template LoadRequest from_bytes(std::span<const std::byte>);
template ModelFacts from_bytes(std::span<const std::byte>);
template ReaderRequest from_bytes(std::span<const std::byte>);
template AddRequest from_bytes(std::span<const std::byte>);
template CancelRequest from_bytes(std::span<const std::byte>);
template ClearRequest from_bytes(std::span<const std::byte>);
template StepAnswer from_bytes(std::span<const std::byte>);
template Failure from_bytes(std::span<const std::byte>);

}  // namespace lectern::worker
