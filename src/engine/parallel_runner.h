// Tensor parallelism: several ranks run a model together, each with its own device, heads, experts, cache and words. To
// the scheduler they are one runner: every rank runs each step, and the best of their choices is the token.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device/communicator.h"
#include "engine/loaded_model.h"
#include "engine/model_runner.h"

namespace lectern {

// Of a model of one rank or several, which must outlive it; `positions` are those of the cache, `with_encoder` says
// whether it encodes images.
std::unique_ptr<ModelRunner> make_runner(const LoadedModel& model, int64_t positions, bool with_encoder = true);

// Rank 0, which embeds, runs on the caller's thread, every other rank on a thread of its own. An exception in one rank
// ends the step of all ranks and is thrown from it; the next step connects them again. A card whose work was aborted
// that way cannot be used any more, and the next step fails. A rank out of memory aborts nothing: it takes part in the
// rest of the step, and its exception is thrown when all are done; the next step may fit.
class ParallelRunner final : public ModelRunner {
 public:
  // The ranks must outlive it; `with_encoder`: images are encoded. Throws Error where the ranks' caches cannot have the
  // same pages, or they cannot be connected.
  ParallelRunner(const std::deque<RankModel>& ranks, int64_t positions, bool with_encoder = true);
  ParallelRunner(const ParallelRunner&) = delete;
  ParallelRunner& operator=(const ParallelRunner&) = delete;
  ~ParallelRunner() override;

  int64_t context() const override { return first().context(); }
  int64_t vocabulary() const override { return first().vocabulary(); }
  std::span<const int32_t> end_tokens() const override { return first().end_tokens(); }
  int64_t window() const override { return first().window(); }
  PagePool& pages() override { return ranks_.front()->runner.pages(); }
  // Views go to all ranks that have an encoder.
  std::unique_ptr<Encoding> encode(std::shared_ptr<const Views> views) override;
  std::span<const NextToken> step(const Batch& batch) override;

 private:
  // The best of one rank's words after a row, and the sum of all of them.
  struct Part {
    int32_t id = -1;     // of all words; -1: all of them are banned
    float value = 0;     // its logit
    double log_sum = 0;  // log of the sum of exp(logit) over the rank's words
    bool is_number = true;
  };
  struct Rank {
    Rank(Device& on, const Decoder& with, const VisionEncoder* encoder, int64_t positions)
        : device(on), decoder(with), runner(on, with, encoder, positions) {}
    Device& device;
    const Decoder& decoder;
    DeviceRunner runner;
    JoinRanks join;                        // while it still has to join the others
    size_t encodes_as = 0;                 // its place among those that encode
    std::unique_ptr<Communicator> others;  // other threads access it under the mutex
    Tensor room;                           // f32 [rows, hidden], to go through a step that it cannot compute
    bool told_all = false;                 // what others wait for in this step
    std::vector<Part> parts;               // of every entry that chooses
    std::thread thread;                    // of all but rank 0
  };

  const DeviceRunner& first() const { return ranks_.front()->runner; }
  void stop() noexcept;
  void connect();
  void work(Rank& rank);
  // Calls part(rank) for every rank, each in its thread, and waits. Throws what the first one threw; `connected`: ranks
  // wait for each other in it.
  void together(const std::function<void(Rank&)>& part, bool connected);
  void take_part(Rank& rank) noexcept;
  void make_room(const Batch& batch);
  void step_of(Rank& rank);
  void choose(Rank& rank, const Decoder::Next& next);
  NextToken best_of(size_t index) const;

  std::vector<std::unique_ptr<Rank>> ranks_;
  const Batch* batch_ = nullptr;  // of the step
  std::vector<NextToken> tokens_;
  std::vector<float> logits_;  // of entries that want them, [of all words] each; every rank writes its own

  std::mutex mutex_;  // of all below
  std::condition_variable begins_, ends_;
  const std::function<void(Rank&)>* part_ = nullptr;
  bool connected_ = false;
  uint64_t parts_ = 0;  // begun
  size_t working_ = 0;  // ranks
  bool stopping_ = false;
  bool ended_ = false;          // the waiting of all, by a rank that failed
  std::exception_ptr failure_;  // the first one, or the one that ended it
};

}  // namespace lectern
