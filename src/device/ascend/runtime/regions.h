// Work that comes back on the same places, as a graph of CANN (aclmdlRI): captured when it comes for the second time,
// replayed from then on.
//
// The first time it is done as it is, with memory from an arena: then kernels are loaded, constants are made, and the
// arena has what the work needs, since nothing may be allocated while one captures. What cannot be captured, or fails
// to be, is done as it is; after some failures the session captures nothing any more.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "device/ascend/runtime/session.h"
#include "device/captured_regions.h"

namespace lectern::ascend {

class Regions final : public CapturedRegions {
 public:
  // Work is done as it is, without an arena, while `plainly` says so; empty: never.
  explicit Regions(Session& session, std::function<bool()> plainly = {});
  ~Regions() override;

  void run(int number, std::span<const TensorView> operands, const std::function<void()>& body) override;

  uint64_t replays() const { return replays_; }
  size_t graphs() const;
  // The last reason why something was not captured; empty: none.
  const std::string& last_failure() const { return last_failure_; }

 private:
  friend class Session;
  // A graph of each takes a stream at least, of 2000 that a card has.
  static constexpr size_t max_kept = 384;
  static constexpr int max_refusals = 3;  // of one graph
  static constexpr int max_failures = 3;  // of the session

  struct Graph {
    std::string key;
    aclmdlRI handle = nullptr;
    bool warm = false;   // done once with the arena
    bool stale = false;  // memory that it used is gone
    int refusals = 0;
    uint64_t since = 0;  // blocks that were handed out before it first came
  };

  Graph& graph_of(int number, std::span<const TensorView> operands);
  bool replay(Graph& graph);
  bool capture(Graph& graph, std::span<const TensorView> operands, const std::function<void()>& body);
  void run_in_arena(Graph& graph, const std::function<void()>& body);
  aclrtStream capture_stream();
  void end_stream() noexcept;
  void drop(Graph& graph) noexcept;
  void note_failure(const std::string& reason);
  // For Session: may captured work read or write this?
  bool may_use(const std::byte* data, const Arena* arena, uint64_t since, bool& stays) const;
  void forget() noexcept {
    for (Graph& graph : kept_) graph.stale = true;
  }

  Session& session_;
  std::function<bool()> plainly_;
  Arena arena_;
  aclrtStream stream_ = nullptr;  // that is captured; nothing else is given to it
  std::list<Graph> kept_;         // those used last at the front
  std::unordered_map<std::string_view, std::list<Graph>::iterator> by_key_;
  // While one captures.
  std::span<const TensorView> operands_;
  uint64_t since_ = 0;
  uint64_t replays_ = 0;
  std::string last_failure_;
};

}  // namespace lectern::ascend
