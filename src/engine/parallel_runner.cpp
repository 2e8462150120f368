#include "engine/parallel_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error_code.h"
#include "device/host_values.h"
#include "device/registry.h"
#include "engine/page_encoding.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Counts what a rank and the others tell each other.
class Exchanges final : public Communicator {
 public:
  explicit Exchanges(Communicator& others) : others_(others) {}

  int count() const { return count_; }
  bool are_whole() const { return whole_; }  // none was broken off

  int rank() const override { return others_.rank(); }
  int size() const override { return others_.size(); }
  void all_reduce(const MutableTensorView& values) override {
    make([&] { others_.all_reduce(values); });
  }
  void all_gather(const TensorView& in, const MutableTensorView& out) override {
    make([&] { others_.all_gather(in, out); });
  }
  void broadcast(const MutableTensorView& values, int root) override {
    make([&] { others_.broadcast(values, root); });
  }
  void barrier() override {
    make([&] { others_.barrier(); });
  }
  void abort() noexcept override { others_.abort(); }

 private:
  template <typename Exchange>
  void make(const Exchange& exchange) {
    whole_ = false;
    exchange();
    whole_ = true;
    ++count_;
  }

  Communicator& others_;
  int count_ = 0;
  bool whole_ = true;
};

int64_t rows_of(const Batch& batch) {
  int64_t rows = 0;
  for (const BatchEntry& entry : batch.entries) rows += static_cast<int64_t>(entry.ids.size());
  return rows;
}

bool is_for_memory(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return code_of(error) == ErrorCode::out_of_memory;
  } catch (...) {
    return false;
  }
}

}  // namespace

std::unique_ptr<ModelRunner> make_runner(const LoadedModel& model, int64_t positions, bool with_encoder) {
  if (model.ranks.size() > 1) return std::make_unique<ParallelRunner>(model.ranks, positions, with_encoder);
  return std::make_unique<DeviceRunner>(model.device, model.decoder, with_encoder ? &model.encoder : nullptr,
                                        positions);
}

ParallelRunner::ParallelRunner(const std::deque<RankModel>& ranks, int64_t positions, bool with_encoder) {
  for (const RankModel& of : ranks) {
    ranks_.push_back(std::make_unique<Rank>(of.device, of.decoder, with_encoder ? of.encoder : nullptr, positions));
    const PagePool& own = ranks_.back()->runner.pages();
    if (own.pages() == pages().pages() && own.page_tokens() == pages().page_tokens()) continue;
    throw Error("the devices of one model keep caches of different pages; take devices of one kind",
                ErrorCode::unsupported);
  }
  connect();  // what cannot be connected is said before anything is read
  try {
    for (size_t i = 1; i < ranks_.size(); ++i)
      ranks_[i]->thread = std::thread([this, &rank = *ranks_[i]] { work(rank); });
  } catch (...) {  // too many threads
    stop();
    throw;
  }
}

ParallelRunner::~ParallelRunner() { stop(); }

void ParallelRunner::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    begins_.notify_all();
  }
  for (const auto& rank : ranks_) {
    if (rank->thread.joinable()) rank->thread.join();
  }
}

// In the step each rank joins the others, in its own thread.
void ParallelRunner::connect() {
  if (ranks_.front()->others || ranks_.front()->join) return;
  std::vector<Device*> devices;
  devices.reserve(ranks_.size());
  for (const auto& rank : ranks_) devices.push_back(&rank->device);
  std::vector<JoinRanks> joins = connect_ranks(devices);
  for (size_t i = 0; i < ranks_.size(); ++i) ranks_[i]->join = std::move(joins[i]);
}

void ParallelRunner::work(Rank& rank) {
  uint64_t done = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      begins_.wait(lock, [&] { return stopping_ || parts_ != done; });
      if (stopping_) return;
      done = parts_;
    }
    take_part(rank);
  }
}

// A rank that fails ends the waiting of all others, unless it has told them all.
void ParallelRunner::take_part(Rank& rank) noexcept {
  try {
    (*part_)(rank);
  } catch (...) {
    const std::exception_ptr failure = std::current_exception();
    const std::lock_guard lock(mutex_);
    const bool ends = connected_ && !ended_ && !(rank.told_all && is_for_memory(failure));
    if (!failure_ || ends) failure_ = failure;
    if (ends) {
      ended_ = true;
      for (const auto& each : ranks_) {
        if (each->others) each->others->abort();
      }
    }
  }
  const std::lock_guard lock(mutex_);
  if (--working_ == 0) ends_.notify_all();
}

void ParallelRunner::together(const std::function<void(Rank&)>& part, bool connected) {
  {
    const std::lock_guard lock(mutex_);
    part_ = &part;
    connected_ = connected;
    ended_ = false;
    failure_ = nullptr;
    working_ = ranks_.size();
    ++parts_;
    begins_.notify_all();
  }
  take_part(*ranks_.front());
  {
    std::unique_lock lock(mutex_);
    ends_.wait(lock, [&] { return working_ == 0; });
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

std::unique_ptr<Encoding> ParallelRunner::encode(std::shared_ptr<const Views> views) {
  std::vector<EncodingDevice> devices;
  for (size_t i = 0; i < ranks_.size(); ++i) {
    const DeviceRunner& runner = ranks_[i]->runner;
    if (runner.encoder() == nullptr) continue;
    ranks_[i]->encodes_as = devices.size();
    devices.push_back({&runner.device(), runner.encoder(), runner.encoding_regions()});
  }
  if (devices.size() < 2) return ranks_.front()->runner.encode(std::move(views));
  const auto over_ranks = [this](const std::function<void(size_t)>& part) {
    together(
        [&](Rank& rank) {
          if (rank.runner.encoder() != nullptr) part(rank.encodes_as);
        },
        false);
  };
  return encode_over(std::move(devices), over_ranks, views);
}

// Before the step, since a rank that finds none in it leaves the others waiting.
void ParallelRunner::make_room(const Batch& batch) {
  const int64_t rows = rows_of(batch);
  const auto lacks = [rows](const auto& rank) { return !rank->room || rank->room.shape()[0] < rows; };
  if (std::ranges::none_of(ranks_, lacks)) return;
  together(
      [&](Rank& rank) {
        rank.room = {};
        rank.room = Tensor(rank.device, DataType::f32, {rows, rank.decoder.config().hidden});
        fill_zero(rank.device, rank.room);
      },
      false);
}

void ParallelRunner::step_of(Rank& rank) {
  rank.parts.clear();
  rank.told_all = false;
  if (rank.join) {
    std::unique_ptr<Communicator> others = std::exchange(rank.join, {})();
    const std::lock_guard lock(mutex_);
    rank.others = std::move(others);
    if (ended_) rank.others->abort();
  }
  Exchanges exchanges(*rank.others);
  try {
    const Decoder::Next next = rank.runner.next_of(*batch_, &exchanges);
    rank.told_all = true;
    if (next.logits) choose(rank, next);
  } catch (...) {
    if (!exchanges.are_whole() || !is_for_memory(std::current_exception())) throw;
    if (!rank.told_all) rank.decoder.go_through(rows_of(*batch_), exchanges.count(), rank.room, *rank.others);
    rank.device.synchronize();  // the others wait for what it was given
    rank.told_all = true;
    throw;
  }
}

void ParallelRunner::choose(Rank& rank, const Decoder::Next& next) {
  const Range words = rank.decoder.share().vocabulary;
  const TensorView logits = next.logits;
  const int64_t rows = logits.shape[0];
  float* wanted = logits_.data();
  int64_t row = 0;
  for (const BatchEntry& entry : batch_->entries) {
    if (!entry.chooses) continue;
    if (entry.wants_logits) {
      rank.device.download(logits.slice(row, 1), wanted + words.first);
      wanted += vocabulary();
    }
    ++row;
  }
  const Chosen chosen = next.choice.read();
  // What the words of a row weigh is known from any of them.
  Chosen weighed = chosen;
  if (std::ranges::any_of(chosen.ids, [](int32_t id) { return id < 0; })) {
    const Choice of_all(rank.device, rows, words.count);
    rank.device.argmax({logits, {}, of_all.ids(), of_all.log_probabilities()});
    const Chosen found = of_all.read();
    for (size_t i = 0; i < weighed.ids.size(); ++i) {
      if (weighed.ids[i] >= 0) continue;
      weighed.ids[i] = found.ids[i];
      weighed.log_probabilities[i] = found.log_probabilities[i];
    }
  }
  std::vector<int32_t> places;
  places.reserve(weighed.ids.size());
  for (size_t i = 0; i < weighed.ids.size(); ++i)
    places.push_back(static_cast<int32_t>(static_cast<int64_t>(i) * words.count + std::max(weighed.ids[i], 0)));
  const Tensor values(rank.device, DataType::f32, {rows, 1});
  rank.device.gather_rows({logits.reshaped({rows * words.count, 1}), from_host(rank.device, places), values});
  const std::vector<float> found = floats_to_host(rank.device, values);
  for (size_t i = 0; i < found.size(); ++i) {
    Part& part = rank.parts.emplace_back();
    part.id = chosen.ids[i] < 0 ? -1 : static_cast<int32_t>(words.first + chosen.ids[i]);
    part.value = found[i];
    part.log_sum = static_cast<double>(found[i]) - static_cast<double>(weighed.log_probabilities[i]);
    part.is_number = weighed.ids[i] >= 0;
  }
}

// Of equal logits that of the lower id wins, as in one rank: the ranks' words ascend.
NextToken ParallelRunner::best_of(size_t index) const {
  const Part* best = nullptr;
  double most = -std::numeric_limits<double>::infinity();
  for (const auto& rank : ranks_) {
    const Part& part = rank->parts[index];
    if (!part.is_number) return {};
    most = std::max(most, part.log_sum);
    if (part.id >= 0 && (best == nullptr || part.value > best->value)) best = &part;
  }
  if (best == nullptr) return {};
  double sum = 0;
  for (const auto& rank : ranks_) sum += std::exp(rank->parts[index].log_sum - most);
  NextToken token;
  token.id = best->id;
  // Beside an infinite logit nothing else counts.
  if (std::isfinite(most)) token.log_probability = static_cast<float>(best->value - most - std::log(sum));
  return token;
}

std::span<const NextToken> ParallelRunner::step(const Batch& batch) {
  connect();
  size_t wanted = 0;
  for (const BatchEntry& entry : batch.entries) wanted += entry.chooses && entry.wants_logits ? 1 : 0;
  const auto width = static_cast<size_t>(vocabulary());
  logits_.resize(wanted * width);
  tokens_.clear();
  batch_ = &batch;
  make_room(batch);
  try {
    together([this](Rank& rank) { step_of(rank); }, true);
  } catch (...) {
    if (!ended_) throw;
    for (const auto& rank : ranks_) {
      rank->others.reset();
      rank->join = {};
    }
    throw;
  }
  std::span<const float> free = logits_;
  size_t chosen = 0;
  for (const BatchEntry& entry : batch.entries) {
    if (!entry.chooses) continue;
    NextToken& token = tokens_.emplace_back(best_of(chosen++));
    if (!entry.wants_logits) continue;
    token.logits = free.first(width);
    free = free.subspan(width);
  }
  return tokens_;
}

}  // namespace lectern
