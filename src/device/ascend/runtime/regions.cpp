#include "device/ascend/runtime/regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include "core/log.h"
#include "device/ascend/runtime/errors.h"
#include "device/ascend/runtime/view.h"

namespace lectern::ascend {
namespace {

constexpr int not_supported = 207000;

template <typename T>
void append(std::string& key, T value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string key_of(int number, std::span<const TensorView> operands) {
  std::string key;
  append(key, number);
  for (const TensorView& operand : operands) {
    append(key, operand.data);
    append(key, operand.type);
    append(key, operand.shape.rank());
    for (const int64_t extent : operand.shape.extents()) append(key, extent);
  }
  return key;
}

}  // namespace

Regions::Regions(Session& session, std::function<bool()> plainly) : session_(session), plainly_(std::move(plainly)) {
  const std::lock_guard lock(session_.mutex_);
  session_.regions_.insert(this);
}

Regions::~Regions() {
  const std::lock_guard lock(session_.mutex_);
  session_.regions_.erase(this);
  bool idle = false;
  try {
    session_.synchronize();  // a graph may be on its way
    idle = true;
  } catch (...) {  // then the session destroys it when it ends
  }
  for (Graph& graph : kept_) {
    if (graph.handle == nullptr) continue;
    if (idle) {
      session_.library_.runtime().destroy_graph(graph.handle);
    } else {
      session_.retire(graph.handle);
    }
  }
  end_stream();
  session_.give_back(arena_);
}

size_t Regions::graphs() const {
  return static_cast<size_t>(std::ranges::count_if(kept_, [](const Graph& graph) { return graph.handle != nullptr; }));
}

void Regions::run(int number, std::span<const TensorView> operands, const std::function<void()>& body) {
  const std::lock_guard lock(session_.mutex_);
  if (!session_.captures() || session_.arena_ != nullptr || (plainly_ && plainly_())) return body();
  session_.bind();
  Graph& graph = graph_of(number, operands);
  if (graph.handle != nullptr && replay(graph)) return;
  if (graph.refusals >= max_refusals) return body();
  if (graph.warm && capture(graph, operands, body) && replay(graph)) return;
  run_in_arena(graph, body);
}

Regions::Graph& Regions::graph_of(int number, std::span<const TensorView> operands) {
  std::string key = key_of(number, operands);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    kept_.splice(kept_.begin(), kept_, found->second);
    Graph& graph = kept_.front();
    if (graph.stale) drop(graph);
    return graph;
  }
  if (kept_.size() >= max_kept) {
    drop(kept_.back());
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
  kept_.push_front({.key = std::move(key), .since = session_.handed_out_});
  by_key_.emplace(kept_.front().key, kept_.begin());
  return kept_.front();
}

// As if it came for the first time.
void Regions::drop(Graph& graph) noexcept {
  if (graph.handle != nullptr) session_.retire(std::exchange(graph.handle, nullptr));
  graph.warm = graph.stale = false;
  graph.since = session_.handed_out_;
}

bool Regions::replay(Graph& graph) {
  const int status = session_.library_.runtime().replay(graph.handle, session_.stream_handle());
  if (status == ACL_SUCCESS) {
    ++replays_;
    return true;
  }
  note_failure("aclmdlRIExecuteAsync failed: " + describe_code(status) + session_.error_text());
  drop(graph);
  return false;
}

void Regions::run_in_arena(Graph& graph, const std::function<void()>& body) {
  struct Use {
    Use(Session& of, Arena& arena) : session(of) { session.arena_ = &arena; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { session.arena_ = nullptr; }
    Session& session;
  };
  {
    const Use use(session_, arena_);
    body();
  }
  graph.warm = true;
  if (arena_.in_use == (arena_.workspace != nullptr ? 1 : 0)) return;
  // What the work keeps cannot be the arena's.
  for (auto& [data, block] : session_.blocks_) {
    if (block.arena != &arena_ || block.free || data == arena_.workspace) continue;
    block.arena = nullptr;
    --arena_.in_use;
  }
  graph.refusals = max_refusals;
  last_failure_ = "it keeps memory";
}

// On a stream of its own, so that the session's is as it was whatever happens.
aclrtStream Regions::capture_stream() {
  if (stream_ == nullptr) session_.check(session_.library_.runtime().create_stream(&stream_), "aclrtCreateStream");
  return stream_;
}

void Regions::end_stream() noexcept {
  if (stream_ != nullptr) session_.library_.runtime().destroy_stream(std::exchange(stream_, nullptr));
}

bool Regions::capture(Graph& graph, std::span<const TensorView> operands, const std::function<void()>& body) {
  const Runtime& runtime = session_.library_.runtime();
  aclmdlRI handle = nullptr;
  std::string failure;
  bool refused = false;
  // Between begin and end the session gives everything to the captured stream.
  const auto record = [&] {
    struct Use {
      explicit Use(Session& of) : session(of) {}
      Use(const Use&) = delete;
      Use& operator=(const Use&) = delete;
      ~Use() {
        session.arena_ = nullptr;
        session.capturing_ = nullptr;
      }
      Session& session;
    };
    const Use use(session_);
    operands_ = operands;
    since_ = graph.since;
    session_.captured_ = stream_;
    session_.arena_ = &arena_;
    session_.capturing_ = this;
    body();
  };
  try {
    const aclrtStream stream = capture_stream();
    if (const int status = runtime.begin_capture(stream, ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL);
        status != ACL_SUCCESS) {
      failure = "aclmdlRICaptureBegin failed: " + describe_code(status) + session_.error_text();
      if (status == not_supported) session_.turn_graphs_off(failure);
    } else {
      std::exception_ptr other;
      try {
        record();
      } catch (const CaptureRefusal& refusal) {
        refused = true;
        failure = refusal.what();
      } catch (const Error& error) {
        failure = error.what();
      } catch (...) {
        other = std::current_exception();
        failure = "interrupted";
      }
      const int ended = runtime.end_capture(stream, &handle);
      if (ended != ACL_SUCCESS && failure.empty())
        failure = "aclmdlRICaptureEnd failed: " + describe_code(ended) + session_.error_text();
      if (other) {
        if (ended == ACL_SUCCESS && handle != nullptr) runtime.destroy_graph(handle);
        end_stream();
        std::rethrow_exception(other);
      }
    }
  } catch (const Error& error) {
    failure = error.what();
  }
  if (failure.empty()) {
    graph.handle = handle;
    log_debug("ascend.captured", {{"device", session_.name()}, {"graphs", graphs()}});
    return true;
  }
  runtime.recent_error();  // of what was allowed to fail
  if (handle != nullptr) runtime.destroy_graph(handle);
  end_stream();
  ++graph.refusals;
  if (refused) {
    last_failure_ = failure;
    log_debug("ascend.not_captured", {{"device", session_.name()}, {"reason", failure}});
  } else {
    note_failure(failure);
  }
  return false;
}

void Regions::note_failure(const std::string& reason) {
  last_failure_ = reason;
  log_debug("ascend.not_captured", {{"device", session_.name()}, {"reason", reason}});
  if (++session_.capture_failures_ >= max_failures) session_.turn_graphs_off(reason);
}

bool Regions::may_use(const std::byte* data, const Arena* arena, uint64_t since, bool& stays) const {
  stays = false;
  if (arena == &arena_) return true;
  for (const TensorView& operand : operands_) {
    if (data >= operand.data && data < operand.data + operand.bytes()) return true;
  }
  stays = since <= since_;
  return stays;
}

void Session::not_while_capturing(const char* what) const {
  if (capturing_ != nullptr) throw CaptureRefusal(what);
}

void Session::check_operand(const View& view) {
  if (view.data == nullptr || view.elements() == 0) return;
  auto block = blocks_.upper_bound(const_cast<std::byte*>(view.data));
  if (block == blocks_.begin()) throw CaptureRefusal("memory of others");
  --block;
  bool stays = false;
  if (view.data >= block->first + block->second.size ||
      !capturing_->may_use(view.data, block->second.arena, block->second.since, stays))
    throw CaptureRefusal("memory that is no operand and may not stay");
  if (stays) block->second.in_graph = true;
}

void Session::check_operand(const ViewList& list) {
  for (const View& view : list.views) check_operand(view);
}

void Session::turn_graphs_off(const std::string& reason) {
  if (!graphs_off_.empty()) return;
  graphs_off_ = "off: " + reason;
  log_info("ascend.graphs_off", {{"device", name_}, {"reason", reason}});
}

void Session::retire(aclmdlRI graph) noexcept {
  try {
    retired_.push_back(graph);
  } catch (...) {  // no memory for the note: the driver takes it back with the process
  }
}

void Session::destroy_retired() noexcept {
  for (aclmdlRI graph : retired_) library_.runtime().destroy_graph(graph);
  retired_.clear();
}

// What was captured is captured again when it comes back.
bool Session::give_back_arenas() {
  bool any = false;
  for (Regions* regions : regions_) {
    if (arena_ == &regions->arena_) continue;
    any = any || !regions->arena_.free.empty();
    regions->forget();
    for (Regions::Graph& graph : regions->kept_) regions->drop(graph);
    give_back(regions->arena_);
  }
  return any && give_back_free_blocks();
}

void Session::try_capture() {
  const std::lock_guard lock(mutex_);
  if (!captures()) return;
  if (!functions_.inplace_copy) return turn_graphs_off("CANN has no aclnnInplaceCopy");
  constexpr int64_t count = 64;
  constexpr size_t bytes = count * sizeof(float);
  std::byte* const from = allocate(bytes);
  std::byte* const to = allocate(bytes);
  {
    Regions regions(*this);
    const std::array<TensorView, 2> operands = {TensorView{from, DataType::f32, {count}},
                                                TensorView{to, DataType::f32, {count}}};
    std::array<float, count> values = {};
    for (int i = 1; i <= 3; ++i) {
      values.fill(static_cast<float>(i));
      upload(from, values.data(), bytes);
      regions.run(0, operands, [&] { call(functions_.inplace_copy, View(operands[1]), View(operands[0])); });
    }
    std::array<float, count> copied = {};
    download(to, bytes, [&](const std::byte* pinned, size_t first, size_t size) {
      std::memcpy(reinterpret_cast<std::byte*>(copied.data()) + first, pinned, size);
    });
    if (regions.replays() < 2) {
      turn_graphs_off(regions.last_failure());
    } else if (copied != values) {
      turn_graphs_off("a replay computes something else");
    }
  }
  release(to);
  release(from);
}

}  // namespace lectern::ascend
