#include "device/ascend/bus.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/temp_folder.h"

namespace lectern::ascend {
namespace {

class Bus : public ::testing::Test {
 protected:
  ~Bus() override { ::unsetenv("ASCEND_RT_VISIBLE_DEVICES"); }

  void write(const std::string& device, const std::string& table) const {
    std::filesystem::create_directories(system / "bus/pci/devices" / device);
    system.write("bus/pci/devices/" + device + "/devdrv_sysfs_bdf_to_devid", table);
  }

  testing::TempFolder system;
};

TEST_F(Bus, OfCardsIsInTheDriversTable) {
  EXPECT_EQ(bus_of_card("ascend:0", system.path()), "");
  std::filesystem::create_directories(system / "bus/pci/devices/0000:00:00.0");  // another device
  write("0000:c1:00.0", "0000:C1:00.0 ---> 0\n0000:01:00.0 ---> 1\nnonsense\n\n 82:00.0 ---> 6 \n");
  EXPECT_EQ(bus_of_card("ascend:0", system.path()), "0000:c1:00.0");
  EXPECT_EQ(bus_of_card("ascend:1", system.path()), "0000:01:00.0");
  EXPECT_EQ(bus_of_card("ascend:6", system.path()), "0000:82:00.0");
  for (const char* other : {"ascend:2", "ascend", "ascend:", "ascend:x", ""})
    EXPECT_EQ(bus_of_card(other, system.path()), "") << other;
}

TEST_F(Bus, CountsTheCardsThatAreVisible) {
  write("0000:c1:00.0", "0000:c1:00.0 ---> 0\n0000:01:00.0 ---> 1\n0000:82:00.0 ---> 6\n");
  ::setenv("ASCEND_RT_VISIBLE_DEVICES", "6, 0", 1);
  EXPECT_EQ(bus_of_card("ascend:0", system.path()), "0000:82:00.0");
  EXPECT_EQ(bus_of_card("ascend:1", system.path()), "0000:c1:00.0");
  EXPECT_EQ(bus_of_card("ascend:2", system.path()), "");
}

}  // namespace
}  // namespace lectern::ascend
