// Each rule of the runtime that the fake holds, broken.
#include <dlfcn.h>

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_silu.h"
#include "fake_cann/support.h"

namespace fake_cann::testing {
namespace {

class FakeCannRuntime : public Machine {};

TEST_F(FakeCannRuntime, StartsOnceAndBeforeAnythingElse) {
  EXPECT_EQ(aclInit(nullptr), 100002);
  EXPECT_EQ(aclrtResetDevice(0), 0);
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_EQ(aclFinalize(), 100037);
  EXPECT_EQ(aclrtSetDevice(0), 100001);
  EXPECT_EQ(aclrtGetSocName(), nullptr);
  ASSERT_NE(aclGetRecentErrMsg(), nullptr);
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr) << "reading clears the message";
}

TEST_F(FakeCannRuntime, EveryThreadSetsItsDevice) {
  int before = 0, after = 0;
  std::thread([&] {
    void* memory = nullptr;
    before = aclrtMalloc(&memory, 100, ACL_MEM_MALLOC_HUGE_FIRST);
    EXPECT_EQ(aclrtSetDevice(0), 0);
    after = aclrtMalloc(&memory, 100, ACL_MEM_MALLOC_HUGE_FIRST);
    EXPECT_EQ(aclrtFree(memory), 0);
    EXPECT_EQ(aclrtResetDevice(0), 0);
  }).join();
  EXPECT_EQ(before, 107002);
  EXPECT_EQ(after, 0);
  EXPECT_EQ(aclrtSetDevice(1), 107001);
  fake_cann_set_devices(2);
  EXPECT_EQ(aclrtSetDevice(1), 0);
}

TEST_F(FakeCannRuntime, TheHostCannotTouchDeviceMemory) {
  auto* memory = static_cast<volatile char*>(device_block(64));
  EXPECT_DEATH(*memory = 1, "");
  EXPECT_DEATH((void)*memory, "");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
  EXPECT_EQ(aclrtFree(const_cast<char*>(memory)), 0);
}

TEST_F(FakeCannRuntime, FreshMemoryIsNotANumber) {
  const Array array(ACL_FLOAT16, {3});
  for (const double value : array.values()) EXPECT_TRUE(std::isnan(value));
}

TEST_F(FakeCannRuntime, MemoryIsFreedOnceAndNotMoreThanThereIs) {
  void* memory = nullptr;
  EXPECT_EQ(aclrtMalloc(&memory, 0, ACL_MEM_MALLOC_HUGE_FIRST), 107000);
  EXPECT_EQ(aclrtFree(nullptr), 107000);
  fake_cann_set_memory(0, 1 << 20);
  EXPECT_EQ(aclrtMalloc(&memory, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 207018);
  memory = device_block(1000);
  size_t free = 0, total = 0;
  EXPECT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total), 0);
  EXPECT_EQ(total, size_t{1} << 20);
  EXPECT_EQ(free, total - (1024 + 32));
  EXPECT_EQ(aclrtGetMemInfo(ACL_DDR_MEM, &free, &total), 0);
  EXPECT_EQ(total, 0u);
  EXPECT_NE(std::string(fake_cann_leaks()).find("1 blocks of device memory"), std::string::npos);
  EXPECT_EQ(aclrtFree(memory), 0);
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_EQ(aclrtFree(memory), 107000);
  expect_violation("freed before");
}

TEST_F(FakeCannRuntime, CopiesAreChecked) {
  void* device = device_block(128);
  void* pinned = nullptr;
  ASSERT_EQ(aclrtMallocHost(&pinned, 256), 0);
  std::vector<char> pageable(256);
  EXPECT_EQ(aclrtMemcpy(device, 64, pinned, 65, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
  EXPECT_EQ(aclrtMemcpyAsync(device, 64, pageable.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE, nullptr), 107017);
  EXPECT_EQ(aclrtMemcpyAsync(device, 64, static_cast<char*>(pinned) + 4, 64, ACL_MEMCPY_HOST_TO_DEVICE, nullptr),
            107008);
  EXPECT_EQ(aclrtMemcpyAsync(pinned, 64, static_cast<char*>(pinned) + 64, 64, ACL_MEMCPY_HOST_TO_HOST, nullptr),
            207000);
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_EQ(aclrtMemcpy(device, 256, pinned, 256, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
  expect_violation("past the end");
  EXPECT_EQ(aclrtMemcpy(device, 64, pinned, 64, ACL_MEMCPY_DEVICE_TO_HOST), 107000);
  expect_violation("is device memory, not host memory");
  EXPECT_EQ(aclrtFreeHost(pinned), 0);
  EXPECT_EQ(aclrtFree(device), 0);
}

TEST_F(FakeCannRuntime, WorkIsDoneWhenItsStreamIsSynchronised) {
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  void* device = device_block(64);
  void* pinned = nullptr;
  ASSERT_EQ(aclrtMallocHost(&pinned, 64), 0);
  std::memset(pinned, 7, 64);
  ASSERT_EQ(aclrtMemcpyAsync(device, 64, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream), 0);
  unsigned char seen = 0;
  ASSERT_EQ(fake_cann_peek(device, &seen, 1), 1);
  EXPECT_EQ(seen, 0xff);
  aclrtStreamStatus status{};
  EXPECT_EQ(aclrtStreamQuery(stream, &status), 0);
  EXPECT_EQ(status, ACL_STREAM_STATUS_NOT_READY);
  EXPECT_EQ(aclrtSynchronizeStream(stream), 0);
  EXPECT_EQ(aclrtStreamQuery(stream, &status), 0);
  EXPECT_EQ(status, ACL_STREAM_STATUS_COMPLETE);
  fake_cann_peek(device, &seen, 1);
  EXPECT_EQ(seen, 7);
  ASSERT_EQ(aclrtMemsetAsync(device, 64, 9, 64, stream), 0);
  char host[64];
  EXPECT_EQ(aclrtMemcpy(host, 64, device, 64, ACL_MEMCPY_DEVICE_TO_HOST), 107000);
  expect_violation("has not yet run");
  EXPECT_EQ(aclrtFree(device), 107000) << "its work is not done";
  EXPECT_EQ(aclrtSynchronizeStream(stream), 0);
  EXPECT_EQ(aclrtFree(device), 0);
  EXPECT_EQ(aclrtFreeHost(pinned), 0);
  EXPECT_EQ(aclrtDestroyStream(stream), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream), 107017);
  expect_violation("was destroyed before");
}

TEST_F(FakeCannRuntime, EventsOrderStreams) {
  aclrtStream first = nullptr, second = nullptr;
  ASSERT_EQ(aclrtCreateStream(&first), 0);
  ASSERT_EQ(aclrtCreateStream(&second), 0);
  aclrtEvent event = nullptr;
  ASSERT_EQ(aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC), 0);
  void* device = device_block(64);
  EXPECT_EQ(aclrtStreamWaitEvent(second, event), 107000) << "it was never recorded";
  ASSERT_EQ(aclrtMemsetAsync(device, 64, 1, 64, first), 0);
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 2, 64, second), 107000);
  expect_violation("with no event between");
  ASSERT_EQ(aclrtRecordEvent(event, first), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second, event), 0);
  ASSERT_EQ(aclrtMemsetAsync(device, 64, 2, 64, second), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second), 0);
  unsigned char seen = 0;
  fake_cann_peek(device, &seen, 1);
  EXPECT_EQ(seen, 2);
  aclrtEventRecordedStatus status{};
  EXPECT_EQ(aclrtQueryEventStatus(event, &status), 0);
  EXPECT_EQ(status, ACL_EVENT_RECORDED_STATUS_COMPLETE);
  float milliseconds = 0;
  EXPECT_EQ(aclrtEventElapsedTime(&milliseconds, event, event), 107000) << "it has no time line";
  EXPECT_EQ(aclrtResetEvent(event, first), 207000);
  EXPECT_EQ(aclrtDestroyEvent(event), 0);
  EXPECT_EQ(aclrtDestroyStream(first), 0);
  EXPECT_EQ(aclrtDestroyStream(second), 0);
  EXPECT_EQ(aclrtFree(device), 0);
}

TEST_F(FakeCannRuntime, AStreamBelongsToItsContext) {
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  aclrtContext own = nullptr, other = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&own), 0);
  ASSERT_EQ(aclrtCreateContext(&other, 0), 0);
  EXPECT_EQ(aclrtDestroyStream(stream), 107003);
  EXPECT_EQ(aclrtSetCurrentContext(own), 0);
  EXPECT_EQ(aclrtDestroyStream(stream), 0);
  EXPECT_EQ(aclrtDestroyContext(other), 0);
  EXPECT_EQ(aclrtSetCurrentContext(other), 107000);
}

TEST_F(FakeCannRuntime, ErrorsOfWorkAppearWhenSomebodySynchronises) {
  void* device = device_block(64);
  fake_cann_fail(0, FAKE_CANN_EXECUTE, 2, 0);
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 1, 64, nullptr), 0);
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 2, 64, nullptr), 0);
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 3, 64, nullptr), 0);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 507015);
  EXPECT_NE(std::string(aclGetRecentErrMsg()).find("aclrtMemsetAsync"), std::string::npos);
  unsigned char seen = 0;
  fake_cann_peek(device, &seen, 1);
  EXPECT_EQ(seen, 1) << "nothing after the failure is done";
  EXPECT_EQ(aclrtMemsetAsync(device, 64, 1, 64, nullptr), 507015) << "the device stays broken";
  EXPECT_EQ(aclrtFree(device), 0) << "but gives its memory back";
  EXPECT_EQ(aclrtResetDevice(0), 0);
  EXPECT_EQ(aclrtSetDevice(0), 0);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
  expect_violation("aclrtSetDevice after aclrtResetDevice");
}

TEST_F(FakeCannRuntime, StartsOnceAProcess) {
  ASSERT_EQ(aclFinalize(), 0);
  EXPECT_EQ(aclInit(nullptr), 0) << "newer versions do";
  expect_violation("aclInit after aclFinalize");
  EXPECT_EQ(aclrtSetDevice(0), 0);
}

// A stream holds 1792 pieces of work; one more waits until there is room, and none is lost.
TEST_F(FakeCannRuntime, AFullStreamBlocks) {
  void* device = device_block(64);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(aclrtMemsetAsync(device, 64, i % 100, 64, nullptr), 0);
  EXPECT_GE(fake_cann_calls(0, FAKE_CANN_EXECUTE), 2000u - 1792u);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
  unsigned char seen = 0;
  fake_cann_peek(device, &seen, 1);
  EXPECT_EQ(seen, 1999 % 100);
  EXPECT_EQ(aclrtFree(device), 0);
}

TEST_F(FakeCannRuntime, CountsWhatIsAskedOfTheCard) {
  fake_cann_forget_costs();
  const Array x(ACL_FLOAT, {4, 8}), y(ACL_FLOAT, {4, 8});
  x.write(std::vector<double>(32, 1));
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, x, y), 0);
  EXPECT_EQ(y.values().size(), 32u);
  const FakeCannCosts costs = fake_cann_costs();
  EXPECT_EQ(costs.launches, 1u);
  EXPECT_EQ(costs.full_calls, 1u);
  EXPECT_EQ(costs.repeated_calls, 0u);
  EXPECT_EQ(costs.uploads, 1u);
  EXPECT_EQ(costs.download_bytes, 128u);
  EXPECT_EQ(costs.waits, 1u);
  EXPECT_EQ(costs.bytes, 256.0);
  EXPECT_STREQ(fake_cann_cost_lines(), "aclnnSilu: 1 full, 0 repeated, 0 replayed, 0 hidden, 0 AI CPU\n");
}

// Shapes are checked all the same.
TEST_F(FakeCannRuntime, ComputesNothingWhereOnlyShapesCount) {
  fake_cann_shapes_only(1);
  const Array x(ACL_FLOAT, {2}, {1, 2}), y(ACL_FLOAT, {2}), wrong(ACL_FLOAT, {3});
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, x, y), 0);
  EXPECT_EQ(y.values(), (std::vector<double>{0, 0}));
  EXPECT_EQ(prepare(aclnnSiluGetWorkspaceSize, x, wrong), 161002);
}

TEST_F(FakeCannRuntime, EveryKindOfCallCanBeMadeToFail) {
  void* memory = nullptr;
  fake_cann_fail(FAKE_CANN_ANY_DEVICE, FAKE_CANN_MALLOC, 2, 0);
  memory = device_block(64);
  void* second = nullptr;
  EXPECT_EQ(aclrtMalloc(&second, 64, ACL_MEM_MALLOC_HUGE_FIRST), 207018);
  EXPECT_EQ(second, nullptr);
  fake_cann_fail(0, FAKE_CANN_COPY, 1, 507899);
  EXPECT_EQ(aclrtMemset(memory, 64, 0, 64), 507899);
  EXPECT_EQ(aclrtMemset(memory, 64, 0, 64), 0);
  EXPECT_EQ(fake_cann_calls(0, FAKE_CANN_MALLOC), 2u);
  EXPECT_EQ(fake_cann_calls(0, FAKE_CANN_COPY), 2u);
  fake_cann_fail(0, FAKE_CANN_ANY, 1, 0);
  aclrtStream stream = nullptr;
  EXPECT_EQ(aclrtCreateStream(&stream), 207008);
  fake_cann_fail(FAKE_CANN_ANY_DEVICE, FAKE_CANN_OBJECT, 1, 0);
  const int64_t extent = 1;
  EXPECT_EQ(aclCreateIntArray(&extent, 1), nullptr);
  EXPECT_EQ(aclrtFree(memory), 0);
}

TEST_F(FakeCannRuntime, SymbolsCanBeAbsent) {
  void* library = dlopen(FAKE_CANN_HOME "/lib64/libopapi.so", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  EXPECT_NE(dlsym(library, "aclnnSilu"), nullptr);
  fake_cann_set_version("8.1.RC1");
  EXPECT_EQ(dlsym(library, "aclnnFastGelu"), nullptr) << "8.1.RC1 does not have it";
  fake_cann_set_version("8.5.0");
  EXPECT_NE(dlsym(library, "aclnnFastGelu"), nullptr);
  fake_cann_absent("aclnnSilu,aclnnMm");
  EXPECT_EQ(dlsym(library, "aclnnSilu"), nullptr);
  EXPECT_EQ(dlsym(library, "aclnnSiluGetWorkspaceSize"), nullptr);
  EXPECT_EQ(dlsym(library, "aclnnMm"), nullptr);
  EXPECT_NE(dlsym(library, "aclnnMul"), nullptr);
  fake_cann_reset();
  EXPECT_NE(dlsym(library, "aclnnSilu"), nullptr);
  EXPECT_NE(dlsym(library, "aclnnFastGelu"), nullptr) << "8.3.RC1 has it";
  dlclose(library);
  void* runtime = dlopen(FAKE_CANN_HOME "/lib64/libascendcl.so", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(runtime, nullptr) << dlerror();
  EXPECT_NE(dlsym(runtime, "aclrtMalloc"), nullptr);
  EXPECT_EQ(dlsym(runtime, "aclCreateTensor"), nullptr) << "that is in libnnopbase.so";
  dlclose(runtime);
}

TEST_F(FakeCannRuntime, OperatorsCanBeRefused) {
  const Array x(ACL_FLOAT, {2}, {1, 2}), y(ACL_FLOAT, {2});
  fake_cann_refuse("aclnnSilu", 561003);
  EXPECT_EQ(prepare(aclnnSiluGetWorkspaceSize, x, y), 561003);
  fake_cann_refuse("aclnnSilu", 0);
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, x, y), 0);
  EXPECT_EQ(fake_cann_runs("aclnnSilu"), 1u);
}

TEST_F(FakeCannRuntime, SaysWhatItIs) {
  EXPECT_STREQ(aclrtGetSocName(), "Ascend910B2");
  aclCANNPackageVersion version{};
  EXPECT_EQ(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version), 0);
  EXPECT_STREQ(version.version, "8.3.RC1");
  EXPECT_STREQ(version.majorVersion, "8");
  int32_t bf16 = 0;
  EXPECT_EQ(aclGetCannAttribute(ACL_CANN_ATTR_BF16, &bf16), 0);
  EXPECT_EQ(bf16, 1);
  const Array x(ACL_BF16, {2}, {1, 2}), y(ACL_BF16, {2});
  EXPECT_EQ(run(aclnnSiluGetWorkspaceSize, aclnnSilu, x, y), 0);
  fake_cann_set_soc("Ascend310P3");
  EXPECT_EQ(aclGetCannAttribute(ACL_CANN_ATTR_BF16, &bf16), 0);
  EXPECT_EQ(bf16, 0);
  EXPECT_EQ(prepare(aclnnSiluGetWorkspaceSize, x, y), 161002);
}

TEST_F(FakeCannRuntime, ResultsBeyondF16SaturateWhenTheDeviceIsSaidTo) {
  const Array x(ACL_FLOAT16, {2}, {60000, -60000});
  const Number one(1);
  EXPECT_EQ(run(aclnnInplaceAddGetWorkspaceSize, aclnnInplaceAdd, x, x, one), 0);
  EXPECT_TRUE(std::isinf(x.values()[0]));
  ASSERT_EQ(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_SATURATION), 0);
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  const Array z(ACL_FLOAT16, {2}, {60000, -60000});
  EXPECT_EQ(run_on(stream, aclnnInplaceAddGetWorkspaceSize, aclnnInplaceAdd, z, z, one), 0);
  EXPECT_EQ(z.values(), (std::vector<double>{65504, -65504}));
  EXPECT_EQ(aclrtDestroyStream(stream), 0);
}

TEST_F(FakeCannRuntime, AChildProcessIsToldByItsEnvironment) {
  setenv("FAKE_CANN_VERSION", "8.5.0", 1);
  setenv("FAKE_CANN_DEVICES", "3", 1);
  setenv("FAKE_CANN_REFUSING", "aclnnSilu:561003", 1);
  setenv("FAKE_CANN_FAIL", "malloc:2,copy:1@1", 1);
  fake_cann_reset();
  for (const char* name : {"FAKE_CANN_VERSION", "FAKE_CANN_DEVICES", "FAKE_CANN_REFUSING", "FAKE_CANN_FAIL"})
    unsetenv(name);
  ASSERT_EQ(aclInit(nullptr), 0);
  uint32_t count = 0;
  EXPECT_EQ(aclrtGetDeviceCount(&count), 0);
  EXPECT_EQ(count, 3u);
  aclCANNPackageVersion version{};
  EXPECT_EQ(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version), 0);
  EXPECT_STREQ(version.version, "8.5.0");
  ASSERT_EQ(aclrtSetDevice(1), 0);
  void* memory = device_block(64);
  void* second = nullptr;
  EXPECT_EQ(aclrtMalloc(&second, 64, ACL_MEM_MALLOC_HUGE_FIRST), 207018);
  EXPECT_EQ(aclrtMemset(memory, 64, 0, 64), 507899);
  {
    const Array x(ACL_FLOAT, {1}, {1});
    EXPECT_EQ(prepare(aclnnSiluGetWorkspaceSize, x, x), 561003);
  }
  EXPECT_EQ(aclrtFree(memory), 0);
}

// What a strict child process does; run by the test after it.
TEST(FakeCannStrict, DISABLED_Leaks) {
  ASSERT_EQ(aclInit(nullptr), 0);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  device_block(64);
}
TEST(FakeCannStrict, DISABLED_FreesTwice) {
  ASSERT_EQ(aclInit(nullptr), 0);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  void* memory = device_block(64);
  aclrtFree(memory);
  aclrtFree(memory);
}

TEST(FakeCannStrict, EndsProcessesThatLeakOrBreakRules) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto status = [&](const std::string& name) {
    return std::system(("env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX FAKE_CANN_STRICT=1 '" + self +
                        "' --gtest_also_run_disabled_tests --gtest_filter=FakeCannStrict.DISABLED_" + name +
                        " >/dev/null 2>&1")
                           .c_str());
  };
  const int leaking = status("Leaks"), breaking = status("FreesTwice");
  EXPECT_TRUE(WIFEXITED(leaking) && WEXITSTATUS(leaking) == 86) << leaking;
  EXPECT_FALSE(WIFEXITED(breaking) && WEXITSTATUS(breaking) == 0) << breaking;
}

TEST(FakeCannHalves, ConvertAsTheFormatSays) {
  std::vector<uint16_t> halves(65536), back(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> values(65536);
  halves_to_floats(halves.data(), halves.size(), values.data());
  floats_to_halves(values.data(), values.size(), back.data());
  for (size_t i = 0; i < halves.size(); ++i) {
    if (std::isnan(values[i])) continue;
    ASSERT_EQ(back[i], halves[i]);
    ASSERT_EQ(float_to_half(values[i]), halves[i]);
    // The middle between two neighbours goes to the even one.
    const float next = half_to_float(static_cast<uint16_t>(i + 1));
    if ((i & 0x7fff) >= 0x7bff) continue;
    ASSERT_EQ(float_to_half((values[i] + next) / 2), i % 2 == 0 ? i : i + 1);
  }
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
}

}  // namespace
}  // namespace fake_cann::testing
