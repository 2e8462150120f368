// Machines of two sockets that are folders of the test's own, on whatever machine the test runs.
#include "core/system/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempFolder;
namespace fs = std::filesystem;

void write(const TempFolder& system, const std::string& file, const std::string& line) {
  fs::create_directories((system / file).parent_path());
  system.write(file, line + "\n");
}

std::string list_of(const Processors& processors) {
  std::string list;
  for (const int processor : processors) list += (list.empty() ? "" : ",") + std::to_string(processor);
  return list;
}

TEST(Processors, AreParsedAsTheKernelWritesThem) {
  EXPECT_THAT(parse_processors("0-3,8,10-11"), ElementsAre(0, 1, 2, 3, 8, 10, 11));
  EXPECT_THAT(parse_processors("5,1,1-2"), ElementsAre(1, 2, 5));
  for (const char* wrong : {"", "x", "3-1", "-1", "0-", "0-99999999", "1,,2"})
    EXPECT_THAT(parse_processors(wrong), IsEmpty());
}

TEST(Processors, OneSocketIsAllThatTheProcessMayUse) {
  const TempFolder system;
  EXPECT_THAT(sockets(system.path()), ElementsAre(allowed_processors()));  // nothing is known
  write(system, "devices/system/node/node0/cpulist", list_of(allowed_processors()));
  write(system, "devices/system/node/possible", "0");
  EXPECT_THAT(sockets(system.path()), ElementsAre(allowed_processors()));
}

TEST(Processors, OfSocketsAreThoseThatTheProcessMayUse) {
  const Processors all = allowed_processors();
  const Processors first = {all.front()}, rest(all.begin() + 1, all.end());
  const TempFolder system;
  write(system, "devices/system/node/node0/cpulist", list_of(first));
  write(system, "devices/system/node/node1/cpulist", rest.empty() ? "60000" : list_of(rest) + ",60000");
  write(system, "devices/system/node/node2/cpulist", "");       // memory alone
  write(system, "devices/system/node/node3/cpulist", "60001");  // nothing of this process's
  if (rest.empty()) {
    EXPECT_THAT(sockets(system.path()), ElementsAre(first));
  } else {
    EXPECT_THAT(sockets(system.path()), ElementsAre(first, rest));
  }
  // Two nodes of one package are one socket.
  for (const int processor : {all.front(), rest.empty() ? 60000 : rest.front()}) {
    write(system, "devices/system/cpu/cpu" + std::to_string(processor) + "/topology/physical_package_id", "36");
  }
  EXPECT_THAT(sockets(system.path()), ElementsAre(all));
}

TEST(Processors, NearACardAreThoseOfItsBus) {
  const Processors all = allowed_processors();
  const TempFolder system;
  const std::string card = "bus/pci/devices/0000:c1:00.0/";
  EXPECT_THAT(processors_near(system.path(), "0000:c1:00.0"), IsEmpty());
  EXPECT_THAT(processors_near(system.path(), ""), IsEmpty());
  write(system, card + "numa_node", "-1");
  write(system, card + "local_cpulist", list_of({all.front()}));
  EXPECT_THAT(processors_near(system.path(), "0000:c1:00.0"), IsEmpty());
  write(system, card + "numa_node", "6");
  const Processors near = all.size() > 1 ? Processors{all.front()} : Processors();  // all are alike
  EXPECT_EQ(processors_near(system.path(), "0000:c1:00.0"), near);
  write(system, card + "local_cpulist", "");
  EXPECT_THAT(processors_near(system.path(), "0000:c1:00.0"), IsEmpty());
  write(system, "devices/system/node/node6/cpulist", list_of({all.front()}));
  EXPECT_EQ(processors_near(system.path(), "0000:c1:00.0"), near);
}

TEST(Processors, AThreadKeepsToThoseThatItIsGiven) {
  // In a thread of its own processes would keep to it, too: only what is refused, and what changes nothing, is tried.
  EXPECT_FALSE(keep_to({}));
  EXPECT_TRUE(keep_to(allowed_processors()));
}

}  // namespace
}  // namespace lectern
