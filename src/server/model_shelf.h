// The models of a server: each is loaded when it is first asked for, and dropped when nobody has used it for some time,
// or another one needs its memory.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/system/available_memory.h"
#include "server/served_model.h"

namespace lectern::server {

struct ShelfLimits {
  std::chrono::milliseconds keep = std::chrono::minutes(30);  // a model that nobody uses; negative: for ever
  std::function<int64_t()> free_bytes = available_memory;     // 0: not known
};

// As long as a lease lives, its model stays.
using ModelLease = std::shared_ptr<ServedModel>;

class ModelShelf {
 public:
  // The first source is that of requests which name none; there is one at least, and no two have the same name.
  explicit ModelShelf(std::vector<ModelSource> sources, ShelfLimits limits = {});
  ModelShelf(const ModelShelf&) = delete;
  ModelShelf& operator=(const ModelShelf&) = delete;
  ~ModelShelf();  // closes, and waits for the leases

  const std::vector<ModelSource>& sources() const { return sources_; }
  // Null for an unknown name; the first for an empty one.
  const ModelSource* find(const std::string& name) const;

  // Loads a model if need be, and waits for it. What loading throws is passed on.
  ModelLease load(const ModelSource& source);
  // Gives the model to `take`, at once where it is there, else on the shelf's thread; or null, with what loading threw.
  // `take` must not throw. Once the shelf is closed it may be forgotten.
  using Take = std::function<void(ModelLease model, const std::exception_ptr& failure)>;
  void with(const ModelSource& source, Take take);
  // Nothing is loaded any more, and no function of `with` is called after it has returned.
  void close();

  struct Counts {
    std::string name;
    bool loaded = false;
    int64_t loads = 0, drops = 0;
    ReaderLoad load;  // preemptions: since the server began; the rest is of a loaded one
  };
  std::vector<Counts> counts();  // in the order of the sources

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Slot {
    std::shared_ptr<ServedModel> model;
    size_t leases = 0;
    Instant last_use;
    int64_t loads = 0, drops = 0;
    int64_t preemptions = 0;  // of those that were dropped
  };
  struct Wish {
    size_t index = 0;
    Take take;
  };

  void work();
  ModelLease lease(size_t index);
  void give_back(size_t index);
  // With the lock, which is given up while models are made and destroyed.
  void serve(std::unique_lock<std::mutex>& lock, size_t index, Take take);
  void fill(std::unique_lock<std::mutex>& lock, size_t index);
  std::unique_ptr<ServedModel> make(std::unique_lock<std::mutex>& lock, const ModelSource& source);
  bool drop(std::unique_lock<std::mutex>& lock, Instant used_before = Instant::max());
  std::optional<Instant> next_end() const;
  size_t index_of(const ModelSource& source) const { return static_cast<size_t>(&source - sources_.data()); }

  const std::vector<ModelSource> sources_;
  const ShelfLimits limits_;
  mutable std::mutex mutex_;  // of the following; no model is made, used or destroyed with it
  std::condition_variable news_;
  std::vector<Slot> places_;  // of the sources
  std::deque<Wish> wishes_;
  bool closing_ = false;
  std::thread thread_;  // alone makes and destroys models
};

}  // namespace lectern::server
