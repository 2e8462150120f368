// One card in use: its stream, its memory, copies to and from it, and the two-step call of its operators.
//
// Everything runs on one stream in the order in which it was given, whatever thread gave it. So memory that is released
// may be handed out again at once, and one workspace serves every operator. Errors of work on the card appear when it
// is waited for; after one the card is not used any further.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "device/ascend/runtime/functions.h"
#include "device/ascend/runtime/objects.h"
#include "device/ascend/runtime/repeated_calls.h"
#include "device/device_info.h"

namespace lectern::ascend {

class Staging;

struct SessionOptions {
  int card = 0;
  LibraryOptions library = {};
  // The most memory that the relative bias of an encoder's attention takes: encoder_attention.cpp says why.
  size_t max_bias_bytes = size_t{64} << 20;
  // The most calls whose executors are kept: those of some decoder's steps, each of several hundred.
  size_t max_repeated_calls = 4096;
  // Without them, LECTERN_ASCEND_SYNC and LECTERN_ASCEND_REPEAT say whether to wait after every operator, to name the
  // one that fails (no), and whether to keep executors (yes).
  std::optional<bool> synchronous = {};
  std::optional<bool> repeats = {};
  // Whether work is captured and replayed, where CANN, the driver and the chip can.
  bool graphs = true;
};

// A call of CANN that failed, by the function's name.
class CallFailure : public Error {
 public:
  CallFailure(const char* function, int code, const std::string& message)
      : Error(message), function_(function), code_(code) {}
  const char* function() const { return function_; }
  // Of aclnn itself, which does not offer this function, or not so; not of the card or of its memory.
  bool is_refusal() const { return (code_ >= 161000 && code_ < 162000) || (code_ >= 561000 && code_ < 562000); }

 private:
  const char* function_;
  int code_;
};

// Memory of captured work: blocks that nothing else is given. What works of one arena is done one after the other, so
// that all of it may use the same blocks.
struct Arena {
  std::set<std::pair<size_t, std::byte*>> free;
  size_t in_use = 0;  // blocks
  std::byte* workspace = nullptr;
  size_t workspace_bytes = 0;
};

// A call that captured work cannot make; captured work that does is done without being captured.
class CaptureRefusal : public Error {
 public:
  explicit CaptureRefusal(const std::string& what) : Error("cannot be captured: " + what) {}
};

class Regions;

class Session {
 public:
  // Throws Error when CANN or the card is missing, too old or does not start.
  explicit Session(const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& name() const { return name_; }  // "ascend:0"
  const std::string& chip() const { return chip_; }  // "Ascend910B2"
  bool has_bf16() const { return has_bf16_; }
  int64_t max_bias_bytes() const { return max_bias_bytes_; }
  const Library& library() const { return library_; }
  const Functions& functions() const { return functions_; }
  Functions& functions() { return functions_; }
  DeviceMemory memory();
  DeviceInfo info() const;
  // "CANN 8.1.RC1, driver 24.1.0, without aclnnFastGelu"
  static std::string software(const Library& library);
  // How many there are; throws Error where CANN does not start.
  static uint32_t cards(const Library& library);

  // Aligned for any operator; throws Error when there is none.
  std::byte* allocate(size_t bytes);
  void release(std::byte* data) noexcept;

  // fill(to, first, count) writes bytes first .. first + count - 1 of what goes to the card at `to`, which is aligned
  // to 64 bytes. The copy itself happens on the stream.
  using Fill = std::function<void(std::byte* to, size_t first, size_t count)>;
  void upload(std::byte* to, size_t bytes, const Fill& fill);
  void upload(std::byte* to, const void* from, size_t bytes);
  // take(from, first, count) is given the bytes when all work before is done. `from` is aligned to 64 bytes.
  using Take = std::function<void(const std::byte* from, size_t first, size_t count)>;
  void download(const std::byte* from, size_t bytes, const Take& take);
  // Pinned memory of the host, and a copy to it that is there when an event recorded afterwards has passed; both
  // addresses are multiples of 64.
  std::byte* allocate_host(size_t bytes);
  void release_host(std::byte* data) noexcept;
  void download_later(const std::byte* from, size_t bytes, std::byte* to);
  // Throws Error when work given earlier failed.
  void synchronize();
  // From any thread, also while another waits: what the card has still to do is not done, and whoever waits for it, or
  // uses the session later, gets DeviceFailure. CANN versions that cannot end work let it wait as long as it does.
  void abort() noexcept;

  // Events of the stream; each is ended by who recorded it. wait throws Error when work before the event failed.
  aclrtEvent record();
  bool has_passed(aclrtEvent event);
  void wait(aclrtEvent event);
  void end(aclrtEvent event) noexcept;

  // Memory on the card that is kept under a name and holds what `fill` gave for it. It is good for operators that are
  // called before the next constant.
  const std::byte* constant(const std::string& name, size_t bytes, const Fill& fill);

  // Memory that is made of a weight and kept as long as it: `kind` tells apart what is made of one. Null where `source`
  // is no block of this session. What is uploaded or released is forgotten, but not what operators write: for weights
  // alone.
  using Make = std::function<void(std::byte* to)>;
  const std::byte* derived(const std::byte* source, uint64_t kind, size_t bytes, const Make& make);

  // Whether products of f16 are written as f32: CANN refuses that before 8.5. True until it was refused.
  bool widens_products() const { return widens_products_; }
  void widens_products(bool widens) { widens_products_ = widens; }
  // Whether ApplyRotaryPosEmb turns heads of 64, which it does from 8.5 on.
  bool turns_heads_of_64() const { return turns_heads_of_64_; }

  // Whether work is captured; else why not, in one line.
  bool captures() const { return graphs_off_.empty(); }
  const std::string& graphs_off() const { return graphs_off_; }
  // Captures a copy and replays it; where that fails nothing is captured.
  void try_capture();
  // Throws CaptureRefusal while work is captured: for what a replay would not do anew.
  void not_while_capturing(const char* what) const;

  // Calls an operator: views, numbers, Scalar, IntegerArray, ViewList or absent, in the order of its prototype. The
  // memory must stay as it is until the stream has passed the operator, which releasing it does not disturb.
  template <typename... Parameters, typename... Arguments>
  void call(const Function<Parameters...>& function, const Arguments&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
    const std::lock_guard lock(mutex_);
    begin(function.name, static_cast<bool>(function));
    if (capturing_ != nullptr) (check_operand(arguments), ...);
    std::string key = repeated_.enabled() ? key_of_call(function.name, arguments...) : std::string();
    const RepeatedCalls::Call* known = key.empty() ? nullptr : repeated_.find(key);
    if (known != nullptr && known->executor != nullptr) {
      ++repeats_;
      return run_again(function.name, function.run, key, *known);
    }
    if (!key.empty() && known == nullptr) repeated_.make_room();
    const Objects& objects = library_.objects();
    using Operands = std::tuple<decltype(hold(objects, arguments))...>;
    const auto held = std::make_shared<const Operands>(hold(objects, arguments)...);
    RepeatedCalls::Call made;
    const aclnnStatus status = std::apply(
        [&](const auto&... operands) {
          return function.prepare(static_cast<Parameters>(operands.get())..., &made.workspace, &made.executor);
        },
        *held);
    check(status, function.name);
    if (!key.empty() && known == nullptr) {
      if (const RepeatedCalls::Call* kept = repeated_.keep(key, made, held))
        return run_again(function.name, function.run, key, *kept);
      library_.runtime().recent_error();  // of what was allowed to fail
    }
    run_once(function.name, function.run, made);
  }

  // Gives work to the stream that is no operator's: give(stream) returns a status, which describe(status) puts in
  // words.
  void enqueue(const char* name, const std::function<int(aclrtStream)>& give,
               const std::function<std::string(int)>& describe);

  // Operators called so far, and how many of them were repeated without their first half.
  uint64_t calls() const { return calls_; }
  uint64_t repeats() const { return repeats_; }

 private:
  friend class Regions;  // regions.h
  class Card;
  class Stream;
  struct Block {
    size_t size = 0;
    bool free = false;
    bool in_graph = false;  // captured work reads or writes it, and must not outlive it
    uint64_t since = 0;  // when it was handed out: the first block is 1; 0: the session's own, for as long as it likes
    Arena* arena = nullptr;  // that it belongs to
  };
  struct Constant {
    std::byte* data = nullptr;
    size_t bytes = 0;
    uint64_t used = 0;
  };

  static void start(const Library& library);
  void forget_derived(const std::byte* source) noexcept;
  void bind();
  void begin(const char* operation, bool present);
  void check(int status, const char* operation) const;
  void check_not_aborted() const;
  void check_copy(int status, const char* operation);
  [[noreturn]] void give_up(int status);
  void run_once(const char* operation, Function<>::Run function, const RepeatedCalls::Call& call);
  void run_again(const char* operation, Function<>::Run function, const std::string& key,
                 const RepeatedCalls::Call& call);
  int run(const char* operation, Function<>::Run function, const RepeatedCalls::Call& call);
  void discard(Function<>::Run function, const RepeatedCalls::Call& call);
  void drop(std::map<std::string, Constant>::iterator constant);
  std::byte* workspace_of(size_t bytes);
  std::byte* allocate_new(size_t size);
  std::byte* allocate_in(Arena& arena, size_t size);
  // Memory that is kept whatever is captured meanwhile.
  std::byte* allocate_own(size_t bytes);
  void give_back(Arena& arena) noexcept;
  void check_operand(const View& view);
  void check_operand(const ViewList& list);
  template <typename Argument>
  void check_operand(const Argument&) const {}
  void turn_graphs_off(const std::string& reason);
  void retire(aclmdlRI graph) noexcept;
  void destroy_retired() noexcept;
  bool give_back_free_blocks();
  bool give_back_arenas();
  aclrtStream stream_handle() const;
  std::string error_text() const;

  std::recursive_mutex mutex_;
  Library library_;
  Functions functions_;
  std::string name_, chip_;
  bool has_bf16_ = false;
  bool widens_products_ = true;
  bool turns_heads_of_64_ = false;
  int64_t max_bias_bytes_;
  bool synchronous_ = false;  // wait after every operator, to name the one that fails
  std::unique_ptr<Card> card_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Staging> staging_;
  uint64_t id_;

  std::map<std::byte*, Block> blocks_;
  // Of blocks of one size the first is handed out, in whatever order they were released, so that a step of the same
  // tensors finds the addresses of the last.
  std::set<std::pair<size_t, std::byte*>> free_;
  std::byte* workspace_ = nullptr;
  size_t workspace_bytes_ = 0;
  RepeatedCalls repeated_;
  std::map<std::string, Constant> constants_;
  std::map<std::pair<const std::byte*, uint64_t>, std::byte*> derived_;
  size_t constant_bytes_ = 0;
  uint64_t constant_uses_ = 0;

  std::string graphs_off_;          // why nothing is captured
  Arena* arena_ = nullptr;          // from which memory is taken now
  Regions* capturing_ = nullptr;    // whose work is being captured
  aclrtStream captured_ = nullptr;  // what it is given to
  std::set<Regions*> regions_;      // all there are
  std::vector<aclmdlRI> retired_;   // to be destroyed when the stream has been waited for
  uint64_t handed_out_ = 0;         // blocks
  int capture_failures_ = 0;

  std::array<const char*, 4> last_ = {};  // operators called last
  std::atomic<uint64_t> calls_ = 0;
  std::atomic<uint64_t> repeats_ = 0;
  std::string broken_;  // why the card is not used any further
  std::atomic<bool> aborted_ = false;
};

}  // namespace lectern::ascend
