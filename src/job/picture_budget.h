// Memory budget for page pictures: rendering waits while it is used up.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>

#include "core/picture.h"

namespace lectern {

class PictureBudget {
 public:
  explicit PictureBudget(size_t bytes);

  // Waits until less than the budget is held; false when asked to stop. One picture may go beyond it.
  bool wait(const std::stop_token& stop);
  // The picture counts until its last holder lets it go, which may be after the budget itself has gone.
  std::shared_ptr<const Picture> hold(Picture picture);

  size_t held() const;  // bytes, now
  size_t peak() const;  // bytes, at the most so far

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lectern
