#include "job/picture_budget.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace lectern {

struct PictureBudget::State {
  std::mutex mutex;
  std::condition_variable_any released;
  size_t budget = 0, held = 0, peak = 0;
};

PictureBudget::PictureBudget(size_t bytes) : state_(std::make_shared<State>()) { state_->budget = bytes; }

bool PictureBudget::wait(const std::stop_token& stop) {
  std::unique_lock lock(state_->mutex);
  return state_->released.wait(lock, stop, [this] { return state_->held < state_->budget; }) && !stop.stop_requested();
}

std::shared_ptr<const Picture> PictureBudget::hold(Picture picture) {
  const size_t bytes = std::max<size_t>(1, picture.rgb.size());
  const auto release = [state = state_, bytes](const Picture* held) {
    delete held;
    const std::lock_guard lock(state->mutex);
    state->held -= bytes;
    state->released.notify_all();
  };
  {
    const std::lock_guard lock(state_->mutex);
    state_->held += bytes;
    state_->peak = std::max(state_->peak, state_->held);
  }
  // The deleter runs too should making the pointer fail.
  return std::shared_ptr<const Picture>(std::make_unique<Picture>(std::move(picture)).release(), release);
}

size_t PictureBudget::held() const {
  const std::lock_guard lock(state_->mutex);
  return state_->held;
}

size_t PictureBudget::peak() const {
  const std::lock_guard lock(state_->mutex);
  return state_->peak;
}

}  // namespace lectern
