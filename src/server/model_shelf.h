// The models of a server: each is loaded on first use, and dropped when it has not been used for some time or another
// one needs its memory.
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
  std::chrono::milliseconds keep = std::chrono::minutes(30);  // an unused model; negative: for ever
  std::function<int64_t()> free_bytes = available_memory;     // 0: unknown
};

// Keeps its model loaded while it lives.
using ModelLease = std::shared_ptr<ServedModel>;

class ModelShelf {
 public:
  // Requests that name no model use the first source. At least one source; no two of the same name.
  explicit ModelShelf(std::vector<ModelSource> sources, ShelfLimits limits = {});
  ModelShelf(const ModelShelf&) = delete;
  ModelShelf& operator=(const ModelShelf&) = delete;
  ~ModelShelf();  // closes, and waits for the leases

  const std::vector<ModelSource>& sources() const { return sources_; }
  // Null for an unknown name; the first for an empty one.
  const ModelSource* find(const std::string& name) const;

  // Loads the model if necessary, and waits for it. Throws what loading throws.
  ModelLease load(const ModelSource& source);
  // Gives the model to `take`, at once if it is loaded, else on the shelf's thread; or null, with what loading threw.
  // `take` must not throw. After close() it may not be called at all.
  using Take = std::function<void(ModelLease model, const std::exception_ptr& failure)>;
  void with(const ModelSource& source, Take take);
  // Ends loading; after it returns no function given to `with` is called.
  void close();

  struct Counts {
    std::string name;
    bool loaded = false;
    int64_t loads = 0, drops = 0;
    ReaderLoad load;  // preemptions: since the server started; the rest: of a loaded model
  };
  std::vector<Counts> counts();  // in the order of the sources

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Slot {
    std::shared_ptr<ServedModel> model;
    size_t leases = 0;
    Instant last_use;
    int64_t loads = 0, drops = 0;
    int64_t preemptions = 0;  // of models dropped before
  };
  struct Wish {
    size_t index = 0;
    Take take;
  };

  void work();
  ModelLease lease(size_t index);
  void give_back(size_t index);
  // Called with the lock, which is released while models are made and destroyed.
  void serve(std::unique_lock<std::mutex>& lock, size_t index, Take take);
  void fill(std::unique_lock<std::mutex>& lock, size_t index);
  std::unique_ptr<ServedModel> make(std::unique_lock<std::mutex>& lock, const ModelSource& source);
  bool drop(std::unique_lock<std::mutex>& lock, Instant used_before = Instant::max());
  std::optional<Instant> next_end() const;
  size_t index_of(const ModelSource& source) const { return static_cast<size_t>(&source - sources_.data()); }

  const std::vector<ModelSource> sources_;
  const ShelfLimits limits_;
  mutable std::mutex mutex_;  // of the following; not held while a model is made, used or destroyed
  std::condition_variable news_;
  std::vector<Slot> slots_;  // one for each source
  std::deque<Wish> wishes_;
  bool closing_ = false;
  std::thread thread_;  // the only one that makes and destroys models
};

}  // namespace lectern::server
