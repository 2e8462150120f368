#include "server/model_shelf.h"

#include <algorithm>
#include <future>
#include <new>
#include <utility>

#include "core/log.h"
#include "lectern/error.h"

namespace lectern::server {
namespace {

bool is_lack_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* const known = dynamic_cast<const Error*>(&error);
  return known != nullptr && known->code() == ErrorCode::out_of_memory;
}

// RAII: releases a lock while it lives.
class Unlocked {
 public:
  explicit Unlocked(std::unique_lock<std::mutex>& lock) : lock_(lock) { lock_.unlock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;
  ~Unlocked() { lock_.lock(); }

 private:
  std::unique_lock<std::mutex>& lock_;
};

}  // namespace

ModelShelf::ModelShelf(std::vector<ModelSource> sources, ShelfLimits limits)
    : sources_(std::move(sources)), limits_(std::move(limits)), slots_(sources_.size()) {
  thread_ = std::thread([this] { work(); });
}

ModelShelf::~ModelShelf() {
  close();
  std::unique_lock lock(mutex_);
  news_.wait(lock, [&] { return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.leases == 0; }); });
}

const ModelSource* ModelShelf::find(const std::string& name) const {
  if (name.empty()) return &sources_.front();
  const auto found = std::ranges::find(sources_, name, &ModelSource::name);
  return found == sources_.end() ? nullptr : &*found;
}

ModelLease ModelShelf::load(const ModelSource& source) {
  // If the wish is dropped, the promise is destroyed and the future throws.
  auto promise = std::make_shared<std::promise<ModelLease>>();
  std::future<ModelLease> made = promise->get_future();
  with(source, [kept = std::move(promise)](ModelLease model, const std::exception_ptr& failure) {
    if (failure) {
      kept->set_exception(failure);
    } else {
      kept->set_value(std::move(model));
    }
  });
  return made.get();
}

void ModelShelf::with(const ModelSource& source, Take take) {
  const size_t index = index_of(source);
  ModelLease model;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    if (!slots_[index].model) {
      wishes_.push_back({index, std::move(take)});
      news_.notify_all();
      return;
    }
    model = lease(index);
  }
  take(std::move(model), nullptr);
}

void ModelShelf::close() {
  std::deque<Wish> dropped;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    dropped.swap(wishes_);
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::vector<ModelShelf::Counts> ModelShelf::counts() {
  std::vector<Counts> all;
  std::vector<std::shared_ptr<const ServedModel>> models;  // not leases: counting is not a use of a model
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      all.push_back({sources_[i].name, slot.model != nullptr, slot.loads, slot.drops, {}});
      all.back().load.preemptions = slot.preemptions;
      models.push_back(slot.model);
    }
  }
  for (size_t i = 0; i < models.size(); ++i) {
    if (models[i] == nullptr) continue;
    const int64_t before = all[i].load.preemptions;
    all[i].load = models[i]->load();
    all[i].load.preemptions += before;
  }
  return all;
}

// With the lock.
ModelLease ModelShelf::lease(size_t index) {
  Slot& slot = slots_[index];
  ++slot.leases;
  return {slot.model.get(), [this, index](ServedModel*) { give_back(index); }};
}

void ModelShelf::give_back(size_t index) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[index];
  --slot.leases;
  slot.last_use = std::chrono::steady_clock::now();
  news_.notify_all();  // with the lock: whoever waits for this may destroy the shelf then
}

std::unique_ptr<ServedModel> ModelShelf::make(std::unique_lock<std::mutex>& lock, const ModelSource& source) {
  const Unlocked unlocked(lock);
  log_info("model.wanted", {{"model", source.name}});
  return source.load();
}

// Makes the model unless it is loaded. Throws what loading throws.
void ModelShelf::fill(std::unique_lock<std::mutex>& lock, size_t index) {
  if (slots_[index].model) return;
  const ModelSource& source = sources_[index];
  for (int64_t free = limits_.free_bytes(); free > 0 && free < source.bytes && drop(lock);) free = limits_.free_bytes();
  std::unique_ptr<ServedModel> made;
  try {
    made = make(lock, source);
  } catch (const std::exception& error) {
    if (!is_lack_of_memory(error) || !drop(lock)) throw;
    while (drop(lock)) {
    }
    made = make(lock, source);
  }
  slots_[index].model = std::move(made);
  slots_[index].last_use = std::chrono::steady_clock::now();
  ++slots_[index].loads;
}

// Destroys the least recently used model if its last use was before `used_before`. Returns whether there was one.
bool ModelShelf::drop(std::unique_lock<std::mutex>& lock, Instant used_before) {
  Slot* oldest = nullptr;
  for (Slot& slot : slots_) {
    if (!slot.model || slot.leases > 0 || slot.last_use > used_before) continue;
    if (oldest == nullptr || slot.last_use < oldest->last_use) oldest = &slot;
  }
  if (oldest == nullptr) return false;
  std::shared_ptr<ServedModel> gone = std::move(oldest->model);
  ++oldest->drops;
  oldest->preemptions += gone->load().preemptions;  // before anybody counts without it
  const Unlocked unlocked(lock);
  log_info("model.dropped", {{"model", gone->name()}});
  gone.reset();
  return true;
}

void ModelShelf::serve(std::unique_lock<std::mutex>& lock, size_t index, Take take) {
  ModelLease model;
  std::exception_ptr failure;
  try {
    fill(lock, index);
    model = lease(index);
  } catch (const std::exception& error) {
    log_info("model.failed", {{"model", sources_[index].name}, {"error", std::string(error.what())}});
    failure = std::current_exception();
  }
  const Unlocked unlocked(lock);
  take(std::move(model), failure);
  take = nullptr;
}

// When the next unused model is to be dropped.
std::optional<ModelShelf::Instant> ModelShelf::next_end() const {
  std::optional<Instant> next;
  if (limits_.keep < limits_.keep.zero()) return next;
  for (const Slot& slot : slots_) {
    if (!slot.model || slot.leases > 0) continue;
    next = std::min(next.value_or(Instant::max()), slot.last_use + limits_.keep);
  }
  return next;
}

void ModelShelf::work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (!wishes_.empty()) {
      Wish wish = std::move(wishes_.front());
      wishes_.pop_front();
      serve(lock, wish.index, std::move(wish.take));
      continue;
    }
    const std::optional<Instant> end = next_end();
    if (!end) {
      news_.wait(lock);
    } else if (std::chrono::steady_clock::now() < *end) {
      news_.wait_until(lock, *end);
    } else {
      drop(lock, *end - limits_.keep);
    }
  }
}

}  // namespace lectern::server
