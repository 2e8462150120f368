#include "device/ascend/runtime/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/log.h"
#include "device/ascend/runtime/errors.h"
#include "device/ascend/runtime/staging.h"
#include "device/device_failure.h"

namespace lectern::ascend {
namespace {

constexpr int initialised_already = 100002;

std::atomic<uint64_t> last_id = 0;
thread_local uint64_t bound = 0;  // the session whose card this thread works with

bool is_set(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0' && *text != '0';
}

// Unless its variable says 0.
bool repeats_by_default() { return std::getenv("LECTERN_ASCEND_REPEAT") == nullptr || is_set("LECTERN_ASCEND_REPEAT"); }

// One line, not too long.
std::string tidy(const char* text) {
  std::string line = text == nullptr ? "" : text;
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() > 400) line = line.substr(0, 400) + " ...";
  return line;
}

}  // namespace

// The card set in this thread, and its context for others. It stays set as long as the process: kernels that CANN has
// loaded for a card may not survive a reset, and other sessions may use it.
class Session::Card {
 public:
  Card(const Session& session, int index) {
    const Runtime& runtime = session.library_.runtime();
    session.check(runtime.set_device(index), "aclrtSetDevice");
    session.check(runtime.current_context(&context_), "aclrtGetCurrentContext");
  }
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  aclrtContext context() const { return context_; }

 private:
  aclrtContext context_ = nullptr;
};

class Session::Stream {
 public:
  explicit Stream(const Session& session) : runtime_(session.library_.runtime()) {
    session.check(runtime_.create_stream(&stream_), "aclrtCreateStream");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { runtime_.destroy_stream(stream_); }

  aclrtStream get() const { return stream_; }

 private:
  const Runtime& runtime_;
  aclrtStream stream_ = nullptr;
};

// CANN starts once a process and ends with it: older versions do not start again after aclFinalize, which may take two
// seconds, and the driver takes back what a process held.
void Session::start(const Library& library) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  // Its pool of arguments holds an entry for every length of a sequence; 10000 of them, where nobody says less.
  ::setenv("ACLNN_CACHE_LIMIT", "1024", 0);
  // Seconds that a card waits for the others of its model: the least that HCCL takes, instead of half an hour.
  ::setenv("HCCL_EXEC_TIMEOUT", "68", 0);
  const Runtime& runtime = library.runtime();
  const int status = runtime.init(nullptr);
  if (status == ACL_SUCCESS || status == initialised_already) return;
  throw Error(fmt::format("ascend: CANN does not start: {}: {}", describe_code(status), tidy(runtime.recent_error())));
}

uint32_t Session::cards(const Library& library) {
  start(library);
  const Runtime& runtime = library.runtime();
  uint32_t count = 0;
  if (const int status = runtime.device_count(&count); status != ACL_SUCCESS) {
    throw Error(fmt::format("ascend: the cards cannot be counted: {}: {}", describe_code(status),
                            tidy(runtime.recent_error())));
  }
  return count;
}

std::string Session::software(const Library& library) {
  const std::string version = library.version();
  const std::string driver = library.version(ACL_PKG_NAME_DRIVER);
  std::string missing;
  for (const auto& [name, present] : Functions(library).presence) {
    if (!present) missing += (missing.empty() ? ", without " : " ") + std::string(name);
  }
  return fmt::format("CANN {}{}{}", version.empty() ? "of unknown version" : version,
                     driver.empty() ? "" : ", driver " + driver, missing);
}

DeviceInfo Session::info() const {
  return {.name = name_,
          .kind = "ascend",
          .hardware = has_bf16_ ? chip_ : chip_ + ", untested and slow",
          .software = software(library_),
          .default_weights = WeightFormat::bf16,
          .preferred_batch = 32,
          .graphs = captures() ? "replayed" : graphs_off_};
}

Session::Session(const SessionOptions& options)
    : library_(options.library),
      functions_(library_),
      name_(fmt::format("ascend:{}", options.card)),
      max_bias_bytes_(static_cast<int64_t>(options.max_bias_bytes)),
      id_(++last_id),
      repeated_(library_.objects(), options.repeats.value_or(repeats_by_default()), options.max_repeated_calls) {
  const Runtime& runtime = library_.runtime();
  start(library_);
  const std::string version = library_.version();
  if (!is_supported_version(version))
    throw Error(fmt::format("ascend: CANN {} is installed; Lectern needs {} or later", version, oldest_version),
                ErrorCode::unsupported);
  const uint32_t count = cards(library_);
  if (options.card < 0 || static_cast<uint32_t>(options.card) >= count) {
    throw Error(count == 0 ? fmt::format("{}: there is no Ascend card; does npu-smi info show one?", name_)
                           : fmt::format("{}: there is no such card; choose 0 to {}", name_, count - 1),
                ErrorCode::not_found);
  }
  turns_heads_of_64_ = is_version_from(version, "8.5.0");
  card_ = std::make_unique<Card>(*this, options.card);
  bound = id_;
  const char* chip = runtime.chip_name();
  chip_ = chip == nullptr ? "unknown chip" : chip;
  // Its page does not name this chip; the trial of rotations may not come to it.
  if (chip_.starts_with("Ascend310P")) functions_.rotary.prepare = nullptr;
  int32_t value = 0;
  if (runtime.attribute != nullptr && runtime.attribute(ACL_CANN_ATTR_BF16, &value) == ACL_SUCCESS) {
    has_bf16_ = value != 0;
  } else {
    has_bf16_ = chip_.starts_with("Ascend910B") || chip_.starts_with("Ascend910_93");
  }
  // Chips without bf16 saturate anyway; elsewhere an overflow is to show as an infinity, not as a number.
  if (!has_bf16_ && runtime.set_saturation != nullptr) runtime.set_saturation(ACL_RT_OVERFLOW_MODE_SATURATION);
  // Addmm and others add in any order unless told not to; a page is to be read the same way twice.
  if (runtime.set_option != nullptr) runtime.set_option(ACL_OPT_DETERMINISTIC, 1);
  runtime.recent_error();  // of what was allowed to fail
  stream_ = std::make_unique<Stream>(*this);
  staging_ = std::make_unique<Staging>(runtime, stream_->get());
  synchronous_ = options.synchronous.value_or(is_set("LECTERN_ASCEND_SYNC"));
  if (!options.graphs) {
    graphs_off_ = "off, as was asked for";
  } else if (synchronous_) {
    graphs_off_ = "off, since every operator is waited for";
  } else if (!runtime.captures()) {
    turn_graphs_off("CANN " + version + " has no functions for it");
  }
}

Session::~Session() {
  if (aborted_) abort();  // what was given to it since
  const Runtime& runtime = library_.runtime();
  if (bound != id_) runtime.set_current_context(card_->context());
  runtime.synchronize(stream_->get());  // its errors were reported, or nobody waits for them any more
  destroy_retired();
  repeated_.clear();
  staging_.reset();
  for (const auto& [data, block] : blocks_) runtime.release(data);
  stream_.reset();
  card_.reset();
  bound = 0;
}

aclrtStream Session::stream_handle() const { return stream_->get(); }

void Session::bind() {
  if (!broken_.empty()) throw DeviceFailure(broken_);
  check_not_aborted();
  if (bound == id_) return;
  check(library_.runtime().set_current_context(card_->context()), "aclrtSetCurrentContext");
  bound = id_;
}

void Session::check_not_aborted() const {
  if (aborted_) throw DeviceFailure(name_ + ": its work was ended, since another card of the model failed");
}

void Session::abort() noexcept {
  aborted_ = true;
  const Runtime& runtime = library_.runtime();
  if (runtime.abort_stream == nullptr) return;
  bound = 0;
  if (runtime.set_current_context(card_->context()) == ACL_SUCCESS) runtime.abort_stream(stream_->get());
}

std::string Session::error_text() const {
  const std::string text = tidy(library_.runtime().recent_error());
  return text.empty() ? "" : ": " + text;
}

void Session::check(int status, const char* operation) const {
  if (status == 0) return;
  throw CallFailure(operation, status,
                    fmt::format("{}: {} failed: {}{}", name_, operation, describe_code(status), error_text()));
}

void Session::begin(const char* operation, bool present) {
  bind();
  if (!present) {
    throw Error(fmt::format("{}: CANN {} has no {}; the list of operators of the device shows what is replaced", name_,
                            library_.version(), operation),
                ErrorCode::unsupported);
  }
}

int Session::run(const char* operation, Function<>::Run function, const RepeatedCalls::Call& call) {
  std::byte* const memory = call.workspace > 0 ? workspace_of(call.workspace) : nullptr;
  const int status =
      function(memory, call.workspace, call.executor, capturing_ != nullptr ? captured_ : stream_->get());
  if (status == 0) last_[calls_++ % last_.size()] = operation;
  return status;
}

void Session::run_once(const char* operation, Function<>::Run function, const RepeatedCalls::Call& call) {
  try {
    workspace_of(call.workspace);
  } catch (const Error&) {
    discard(function, call);
    throw;
  }
  check(run(operation, function, call), operation);
  if (synchronous_) synchronize();
}

void Session::run_again(const char* operation, Function<>::Run function, const std::string& key,
                        const RepeatedCalls::Call& call) {
  const int status = run(operation, function, call);
  if (status != 0) repeated_.drop(key);
  check(status, operation);
  if (synchronous_) synchronize();
}

void Session::enqueue(const char* name, const std::function<int(aclrtStream)>& give,
                      const std::function<std::string(int)>& describe) {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing(name);
  if (const int status = give(stream_->get()); status != 0)
    throw CallFailure(name, status, fmt::format("{}: {} failed: {}{}", name_, name, describe(status), error_text()));
  last_[calls_++ % last_.size()] = name;
  if (synchronous_) synchronize();
}

// Ends an executor that will not run. One from aclnn's own cache cannot be made repeatable; a run without its
// workspace is refused and ends it.
void Session::discard(Function<>::Run function, const RepeatedCalls::Call& call) {
  const Objects& objects = library_.objects();
  const bool repeatable = objects.make_repeatable != nullptr && objects.make_repeatable(call.executor) == 0;
  if (repeatable && objects.destroy_executor != nullptr) {
    objects.destroy_executor(call.executor);
  } else {
    function(nullptr, call.workspace, call.executor, capturing_ != nullptr ? captured_ : stream_->get());
  }
  library_.runtime().recent_error();
}

void Session::synchronize() {
  const std::lock_guard lock(mutex_);
  bind();
  not_while_capturing("a wait");
  const int status = library_.runtime().synchronize(stream_->get());
  check_not_aborted();
  if (status != ACL_SUCCESS) give_up(status);
  destroy_retired();
}

void Session::give_up(int status) {
  std::string operations;
  const uint64_t count = calls_;
  for (uint64_t i = count - std::min<uint64_t>(count, last_.size()); i < count; ++i)
    operations += (operations.empty() ? "" : ", ") + std::string(last_[i % last_.size()]);
  broken_ = fmt::format(
      "{}: work on the card failed: {}{}; the last operators given to it were {}{}; the card is not "
      "used any further",
      name_, describe_code(status), error_text(), operations.empty() ? "none" : operations,
      synchronous_ ? "" : " (run with device option sync=1, or LECTERN_ASCEND_SYNC=1, to learn which of them)");
  throw DeviceFailure(broken_);
}

}  // namespace lectern::ascend
