// Tensors, executors and workspaces: each rule that the fake holds, broken.
#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_mm.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_silu.h"
#include "fake_cann/support.h"

namespace fake_cann::testing {
namespace {

class FakeCannObjects : public Machine {};

TEST_F(FakeCannObjects, ObjectsAreDestroyedOnce) {
  Array array(ACL_FLOAT, {2});
  aclTensor* member = array.view({2}, {1});
  EXPECT_EQ(aclDestroyTensor(nullptr), 0);
  const int64_t count = 2, too_far = 3;
  EXPECT_EQ(aclCreateTensor(nullptr, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &count, 1, nullptr), nullptr);
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_EQ(aclCreateTensor(&too_far, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &count, 1, nullptr), nullptr);
  expect_violation("reaches out of its storage");
  aclTensor* listed = aclCreateTensor(&count, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &count, 1, array.memory());
  aclTensorList* list = aclCreateTensorList(&listed, 1);
  EXPECT_EQ(aclDestroyTensorList(list), 0);
  EXPECT_EQ(aclDestroyTensor(listed), 561103);
  expect_violation("this tensor was destroyed before");
  EXPECT_NE(member, nullptr);
}

TEST_F(FakeCannObjects, ExecutorsAreUsedOnceUnlessMadeRepeatable) {
  const Array x(ACL_FLOAT, {2}, {1, 2});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  EXPECT_EQ(aclnnSilu(nullptr, 0, nullptr, nullptr), 161001);
  ASSERT_EQ(aclnnInplaceMulGetWorkspaceSize(x, x, &bytes, &executor), 0);
  ASSERT_EQ(bytes, 0u);
  EXPECT_EQ(aclSetAclOpExecutorRepeatable(executor), 0);
  EXPECT_EQ(aclnnInplaceMul(nullptr, 0, executor, nullptr), 0);
  EXPECT_EQ(aclnnInplaceMul(nullptr, 0, executor, nullptr), 0);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
  EXPECT_EQ(x.values(), (std::vector<double>{1, 16}));
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
  for (int i = 0; i < 2; ++i) {  // only what ran once is remembered
    ASSERT_EQ(aclnnInplaceMulGetWorkspaceSize(x, x, &bytes, &executor), 0);
    if (i == 0) {
      EXPECT_EQ(aclnnInplaceMul(nullptr, 0, executor, nullptr), 0);
    }
  }
  EXPECT_EQ(aclSetAclOpExecutorRepeatable(executor), 561000) << "it comes from the thread's cache";
  EXPECT_EQ(aclnnInplaceMul(nullptr, 0, executor, nullptr), 0);
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_EQ(aclnnInplaceMul(nullptr, 0, executor, nullptr), 561103);
  expect_violation("this executor was destroyed before");
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
}

TEST_F(FakeCannObjects, WorkspacesAreOfTheSizeAskedFor) {
  const Array a(ACL_FLOAT, {2, 2}, {1, 2, 3, 4}), out(ACL_FLOAT, {2, 2});
  const auto first = [&](uint64_t* bytes) {
    aclOpExecutor* executor = nullptr;
    EXPECT_EQ(aclnnMmGetWorkspaceSize(a, a, out, 0, bytes, &executor), 0);
    return executor;
  };
  uint64_t bytes = 0;
  EXPECT_EQ(aclnnMm(nullptr, 1, first(&bytes), nullptr), 161001);
  ASSERT_GT(bytes, 512u);
  void* small = device_block(bytes - 512);
  EXPECT_EQ(aclnnMm(small, bytes - 512, first(&bytes), nullptr), 161002);
  expect_violation("the first call asked for");
  EXPECT_NE(aclnnMm(small, bytes, first(&bytes), nullptr), 0) << "it says it has the size, but has not";
  expect_violation("past the end");
  EXPECT_EQ(aclnnMm(a.memory(), bytes, first(&bytes), nullptr), 161002);
  expect_violation("the workspace lies over");
  EXPECT_EQ(aclrtFree(small), 0);
}

TEST_F(FakeCannObjects, WorkspacesAreNotSharedByStreams) {
  const Array a(ACL_FLOAT, {2, 2}, {1, 2, 3, 4}), out(ACL_FLOAT, {2, 2}), other(ACL_FLOAT, {2, 2});
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnMmGetWorkspaceSize(a, a, out, 0, &bytes, &executor), 0);
  void* workspace = device_block(bytes);
  EXPECT_EQ(aclnnMm(workspace, bytes, executor, nullptr), 0);
  ASSERT_EQ(aclnnMmGetWorkspaceSize(a, a, other, 0, &bytes, &executor), 0);
  EXPECT_NE(aclnnMm(workspace, bytes, executor, stream), 0);
  EXPECT_EQ(aclrtSynchronizeDevice(), 0);
  EXPECT_EQ(out.values(), (std::vector<double>{7, 10, 15, 22}));
  EXPECT_EQ(aclrtDestroyStream(stream), 0);
  EXPECT_EQ(aclrtFree(workspace), 0);
  expect_violation("its workspace");
}

TEST_F(FakeCannObjects, OperandsAreOfOneDevice) {
  fake_cann_set_devices(2);
  const Array here(ACL_FLOAT, {2}, {1, 2});
  ASSERT_EQ(aclrtSetDevice(1), 0);
  {
    const Array there(ACL_FLOAT, {2}, {1, 2});
    const Number one(1);
    EXPECT_EQ(run(aclnnInplaceAddGetWorkspaceSize, aclnnInplaceAdd, there, here, one), 361001);
    expect_violation("belong to device 0");
  }
  ASSERT_EQ(aclrtSetDevice(0), 0);
}

}  // namespace
}  // namespace fake_cann::testing
