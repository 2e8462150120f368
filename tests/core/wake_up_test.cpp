#include "core/wake_up.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

namespace lectern {
namespace {

int wait(const WakeUp& wake_up, int milliseconds) {
  pollfd end = {wake_up.descriptor(), POLLIN, 0};
  return ::poll(&end, 1, milliseconds);
}

TEST(WakeUp, EndsAWaitWhenStopIsRequested) {
  std::stop_source stop;
  const WakeUp wake_up(stop.get_token());
  EXPECT_EQ(wait(wake_up, 0), 0);
  std::thread other([&] { stop.request_stop(); });
  EXPECT_EQ(wait(wake_up, -1), 1);
  other.join();
  EXPECT_EQ(wait(WakeUp(stop.get_token()), 0), 1) << "it was requested before";
}

TEST(WakeUp, StaysQuietWithoutAWish) { EXPECT_EQ(wait(WakeUp({}), 0), 0); }

}  // namespace
}  // namespace lectern
