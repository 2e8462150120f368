#include "reading/worker/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

class Placements : public ::testing::Test {
 protected:
  Placements() {
    rules.processes = true;
    rules.threads = 6;
    rules.system = system.path();
  }

  void write(const std::string& file, const std::string& line) const {
    fs::create_directories((system / file).parent_path());
    system.write(file, line + "\n");
  }
  // Of the processors of this process, the first and the others. false: there is one.
  bool have_two_sockets() const {
    const Processors all = allowed_processors();
    if (all.size() < 2) return false;
    write("devices/system/node/node0/cpulist", std::to_string(all[0]));
    std::string others;
    for (size_t i = 1; i < all.size(); ++i) others += (i > 1 ? "," : "") + std::to_string(all[i]);
    write("devices/system/node/node1/cpulist", others);
    return true;
  }
  std::string refusal(const std::string& list) const {
    try {
      place_devices(list, rules);
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  }

  testing::TempFolder system;
  PlacementRules rules;
};

TEST_F(Placements, OneDeviceStaysInTheProcess) {
  const std::vector<Placement> places = place_devices("cpu", rules);
  ASSERT_THAT(places, SizeIs(1));
  EXPECT_EQ(places[0].device, "cpu");
  EXPECT_FALSE(places[0].process);
  EXPECT_EQ(places[0].threads, 6);
  EXPECT_THAT(places[0].processors, IsEmpty());
}

TEST_F(Placements, OptionsSayOtherwise) {
  EXPECT_TRUE(place_devices("cpu:processes=on", rules)[0].process);
  EXPECT_EQ(place_devices("cpu:processes=on", rules)[0].device, "cpu");
  EXPECT_EQ(place_devices("cpu:silence=7", rules)[0].silence, std::chrono::seconds(7));
  EXPECT_THAT(refusal("cpu:processes=maybe"), HasSubstr("processes is 'maybe'; expected on or off"));
  for (const char* wrong : {"0", "-1", "x", "", "1s", "99999999"})
    EXPECT_THAT(refusal(std::string("cpu:silence=") + wrong), HasSubstr("expected seconds"));
}

#ifdef LECTERN_ASCEND
TEST_F(Placements, EachOfSeveralDevicesHasAProcessAndAShareOfTheThreads) {
  const std::vector<Placement> places = place_devices("ascend:0-2:type=f16:silence=9,cpu:processes=off", rules);
  ASSERT_THAT(places, SizeIs(4));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(places[i].device, "ascend:" + std::to_string(i) + ":type=f16");
    EXPECT_EQ(places[i].label, "ascend:" + std::to_string(i));
    EXPECT_TRUE(places[i].process);
    EXPECT_EQ(places[i].threads, 2);
    EXPECT_EQ(places[i].silence, std::chrono::seconds(9));
  }
  EXPECT_FALSE(places[3].process);
  rules.processes = false;
  for (const Placement& place : place_devices("ascend:0-7", rules)) EXPECT_FALSE(place.process);
  EXPECT_TRUE(place_devices("ascend:0-7:processes=on", rules)[7].process);
}

TEST_F(Placements, CardsThatHoldAModelTogetherShareAProcess) {
  rules.ranks = 2;
  const std::vector<Placement> places = place_devices("ascend:0-3:type=f16:silence=9", rules);
  ASSERT_THAT(places, SizeIs(2));
  EXPECT_EQ(places[0].device, "ascend:0:type=f16,ascend:1:type=f16");
  EXPECT_EQ(places[0].label, "ascend:0+ascend:1");
  EXPECT_EQ(places[1].label, "ascend:2+ascend:3");
  for (const Placement& place : places) {
    EXPECT_TRUE(place.process);
    EXPECT_EQ(place.silence, std::chrono::seconds(9));
  }
  ASSERT_THAT(place_devices("cpu", rules), SizeIs(1));
  EXPECT_FALSE(place_devices("cpu", rules)[0].process);
  EXPECT_EQ(place_process("ascend:2,ascend:3", rules).label, "ascend:2+ascend:3");
}

TEST_F(Placements, ACardsProcessKeepsToTheProcessorsOfItsBus) {
  if (!have_two_sockets()) GTEST_SKIP() << "this machine has one processor";
  const int first = allowed_processors().front();
  write("bus/pci/devices/0000:c1:00.0/devdrv_sysfs_bdf_to_devid", "0000:c1:00.0 ---> 0\n0000:01:00.0 ---> 1");
  write("bus/pci/devices/0000:c1:00.0/numa_node", "0");
  write("bus/pci/devices/0000:c1:00.0/local_cpulist", std::to_string(first));
  write("bus/pci/devices/0000:01:00.0/numa_node", "-1");
  const std::vector<Placement> places = place_devices("ascend:0-1", rules);
  EXPECT_THAT(places[0].processors, ElementsAre(first));
  EXPECT_EQ(places[0].threads, 1);
  EXPECT_THAT(places[1].processors, IsEmpty());
  EXPECT_EQ(places[1].threads, 3);
  EXPECT_THAT(place_process("ascend:0", rules).processors, ElementsAre(first));
  EXPECT_TRUE(place_process("ascend:0", rules).process);
}
#endif

TEST_F(Placements, EachSocketOfACpuHasAProcess) {
  if (!have_two_sockets()) GTEST_SKIP() << "this machine has one processor";
  const std::vector<Placement> places = place_devices("cpu", rules);
  ASSERT_THAT(places, SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(places[i].device, "cpu");
    EXPECT_EQ(places[i].label, "cpu:socket=" + std::to_string(i));
    EXPECT_TRUE(places[i].process);
    EXPECT_THAT(places[i].processors, ::testing::Not(IsEmpty()));
  }
  EXPECT_THAT(place_devices("cpu:processes=off", rules), SizeIs(1));
  rules.processes = false;
  EXPECT_THAT(place_devices("cpu", rules), SizeIs(1));
}

TEST_F(Placements, SocketsShareAProcessWhereMemoryHoldsOneModel) {
  if (!have_two_sockets()) GTEST_SKIP() << "this machine has one processor";
  rules.model_bytes = 10;
  rules.memory = 19;
  ASSERT_THAT(place_devices("cpu", rules), SizeIs(1));
  EXPECT_FALSE(place_devices("cpu", rules)[0].process);
  EXPECT_THAT(place_devices("cpu:processes=on", rules), SizeIs(2));
  rules.memory = 20;
  EXPECT_THAT(place_devices("cpu", rules), SizeIs(2));
}

}  // namespace
}  // namespace lectern
