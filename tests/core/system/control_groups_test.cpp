// Groups as files in a folder that stands for "/".
#include "core/system/control_groups.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/temp_folder.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

class ControlGroups : public ::testing::Test {
 protected:
  ControlGroups() { fs::create_directories(folder / "proc/self"); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((folder / file).parent_path());
    folder.write(file, text);
  }
  void group(const std::string& place, const std::string& most, int64_t used, int64_t cached) const {
    write(place + "/memory.max", most + "\n");
    write(place + "/memory.current", std::to_string(used) + "\n");
    write(place + "/memory.stat", "anon 1\nfile 2\ninactive_file " + std::to_string(cached) + "\nactive_file 7\n");
  }
  void group_of_version_1(const std::string& place, int64_t most, int64_t used, int64_t cached) const {
    write(place + "/memory.limit_in_bytes", std::to_string(most) + "\n");
    write(place + "/memory.usage_in_bytes", std::to_string(used) + "\n");
    write(place + "/memory.stat", "cache 5\ntotal_inactive_file " + std::to_string(cached) + "\n");
  }
  GroupLimits limits() const { return control_group_limits(folder.path()); }

  testing::TempFolder folder;
};

constexpr const char* unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(ControlGroups, WithoutAnyThereIsNoLimit) {
  EXPECT_FALSE(limits().memory_left.has_value());
  EXPECT_FALSE(limits().processors.has_value());
  write("proc/self/mountinfo", unified);
  write("proc/self/cgroup", "0::/\n");
  EXPECT_FALSE(limits().memory_left.has_value());
  write("proc/self/cgroup", "nonsense\n0:\n");
  EXPECT_FALSE(limits().memory_left.has_value());
}

TEST_F(ControlGroups, TheSmallestLimitOfNestedGroupsCounts) {
  write("proc/self/mountinfo", unified);
  write("proc/self/cgroup", "0::/user.slice/run.scope\n");
  group("sys/fs/cgroup/user.slice/run.scope", "max", 100, 0);
  write("sys/fs/cgroup/user.slice/run.scope/cpu.max", "max 100000\n");
  group("sys/fs/cgroup/user.slice", "1000", 700, 0);
  write("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(limits().memory_left, 300);
  EXPECT_EQ(limits().processors, 1.5);
  group("sys/fs/cgroup/user.slice/run.scope", "200", 100, 0);
  EXPECT_EQ(limits().memory_left, 100);
}

TEST_F(ControlGroups, CachedFilesCountAsFree) {
  write("proc/self/mountinfo", unified);
  write("proc/self/cgroup", "0::/a\n");
  group("sys/fs/cgroup/a", "1000", 990, 700);
  EXPECT_EQ(limits().memory_left, 710);
  group("sys/fs/cgroup/a", "1000", 1500, 100);
  EXPECT_EQ(limits().memory_left, 0) << "over its limit";
}

TEST_F(ControlGroups, OfVersion1) {
  write("proc/self/mountinfo",
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "4:memory:/job/7\n2:cpu,cpuacct:/job/7\n0::/\n");
  group_of_version_1("sys/fs/cgroup/memory/job/7", 9223372036854771712, 50, 0);
  group_of_version_1("sys/fs/cgroup/memory/job", 4000, 3000, 500);
  write("sys/fs/cgroup/cpu,cpuacct/job/7/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/7/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limits().memory_left, 1500);
  EXPECT_EQ(limits().processors, 2.5);
}

TEST_F(ControlGroups, OfAContainer) {
  // The host's name of the group, of which the container sees the lower part, or its own alone.
  write("proc/self/mountinfo", "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "4:memory:/docker/1f/inner\n");
  group_of_version_1("sys/fs/cgroup/memory", 900, 100, 0);
  group_of_version_1("sys/fs/cgroup/memory/inner", 500, 100, 0);
  EXPECT_EQ(limits().memory_left, 400);
  write("proc/self/cgroup", "4:memory:/elsewhere/9\n");
  EXPECT_EQ(limits().memory_left, 800);
  write("proc/self/mountinfo", unified);
  write("proc/self/cgroup", "0::/../../other\n");
  group("sys/fs/cgroup", "700", 100, 0);
  EXPECT_EQ(limits().memory_left, 600);
}

}  // namespace
}  // namespace lectern
