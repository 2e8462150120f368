#include "device/communicator.h"

#include <condition_variable>
#include <mutex>

#include "device/host_values.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// Where the ranks of a process meet.
class Group {
 public:
  explicit Group(size_t size) : values_(size) {}

  size_t size() const { return values_.size(); }

  // Leaves values of one rank, waits for those of all, and calls take(values of every rank) while they stay as they
  // are.
  template <typename Take>
  void exchange(size_t rank, std::vector<float> values, const Take& take) {
    values_[rank] = std::move(values);
    wait();
    take(std::span<const std::vector<float>>(values_));
    wait();  // until every rank has taken them
  }

  void wait() {
    std::unique_lock lock(mutex_);
    if (broken_) throw broken();
    if (++waiting_ == size()) {
      waiting_ = 0;
      ++round_;
      all_here_.notify_all();
      return;
    }
    const uint64_t round = round_;
    all_here_.wait(lock, [&] { return round_ != round || broken_; });
    if (round_ == round) throw broken();
  }

  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    all_here_.notify_all();
  }

 private:
  static Error broken() {
    return Error("a rank of the group has failed; the others cannot go on", ErrorCode::device_lost);
  }

  std::vector<std::vector<float>> values_;  // of every rank; each is written by its own between two meetings
  std::mutex mutex_;
  std::condition_variable all_here_;
  size_t waiting_ = 0;
  uint64_t round_ = 0;
  bool broken_ = false;
};

class InProcessRank final : public Communicator {
 public:
  InProcessRank(std::shared_ptr<Group> group, Device& device, size_t rank)
      : group_(std::move(group)), device_(device), rank_(rank) {}
  ~InProcessRank() override { group_->leave(); }

  int rank() const override { return static_cast<int>(rank_); }
  int size() const override { return static_cast<int>(group_->size()); }

  void all_reduce(const MutableTensorView& values) override {
    std::vector<float> sum;
    group_->exchange(rank_, floats_to_host(device_, values), [&](std::span<const std::vector<float>> all) {
      sum = all[0];
      for (const std::vector<float>& other : all.subspan(1)) {
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
      }
    });
    put(sum, values);
  }

  void all_gather(const TensorView& in, const MutableTensorView& out) override {
    std::vector<float> gathered;
    group_->exchange(rank_, floats_to_host(device_, in), [&](std::span<const std::vector<float>> all) {
      for (const std::vector<float>& one : all) gathered.insert(gathered.end(), one.begin(), one.end());
    });
    put(gathered, out);
  }

  void broadcast(const MutableTensorView& values, int root) override {
    std::vector<float> sent;
    const bool own = rank() == root;
    group_->exchange(rank_, own ? floats_to_host(device_, values) : std::vector<float>(),
                     [&](std::span<const std::vector<float>> all) { sent = all[static_cast<size_t>(root)]; });
    if (!own) put(sent, values);
  }

  void barrier() override { group_->wait(); }
  void abort() noexcept override { group_->leave(); }

 private:
  void put(const std::vector<float>& values, const MutableTensorView& to) {
    if (!values.empty()) device_.copy({from_host(device_, values, to.shape), to});
  }

  std::shared_ptr<Group> group_;
  Device& device_;
  size_t rank_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_in_process_ranks(std::span<Device* const> devices) {
  const auto group = std::make_shared<Group>(devices.size());
  std::vector<std::unique_ptr<Communicator>> ranks;
  for (size_t i = 0; i < devices.size(); ++i) ranks.push_back(std::make_unique<InProcessRank>(group, *devices[i], i));
  return ranks;
}

}  // namespace lectern
