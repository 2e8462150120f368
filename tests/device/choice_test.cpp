#include "device/choice.h"

#include <gmock/gmock.h>

#include <cmath>

#include "device/host_values.h"
#include "support/least_device.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Choice, PlacesOfBannedIdsAscend) {
  EXPECT_THAT(banned_places({}, 10), IsEmpty());
  const std::vector<std::vector<int32_t>> banned = {{7, 2, 7, 10, -1}, {}, {0, 9}};
  EXPECT_THAT(banned_places(banned, 10), ElementsAre(2, 7, 20, 29));
}

TEST(Choice, ComesToTheHost) {
  testing::LeastDevice device;
  const std::vector<int32_t> banned = {4, 23};
  const Choice choice(device, 4, 10, banned);
  const std::vector<int32_t> ids = {5, -1, 3, 6};
  const std::vector<float> shares = {-0.5f, -1, -2, std::nanf("")};
  device.upload(ids.data(), choice.ids());
  device.upload(shares.data(), choice.log_probabilities());
  const Chosen chosen = choice.read();
  EXPECT_THAT(chosen.ids, ElementsAre(5, -1, -1, -1)) << "the third is banned, the fourth has no probability";
  EXPECT_THAT(chosen.log_probabilities, ElementsAre(-0.5f, 0, 0, 0));
  EXPECT_THAT(Choice(device, 0, 10).read().ids, IsEmpty());
}

}  // namespace
}  // namespace lectern
