// Captured work: what the fake does with it, and each rule of it, broken.
#include <functional>
#include <thread>
#include <utility>

#include "aclnnop/aclnn_silu.h"
#include "fake_cann/support.h"

namespace fake_cann::testing {
namespace {

class FakeCannCapture : public Machine {
 protected:
  void SetUp() override {
    Machine::SetUp();
    ASSERT_EQ(aclrtCreateStream(&stream_), 0);
  }
  void TearDown() override {
    if (graph_ != nullptr) {
      EXPECT_EQ(aclmdlRIDestroy(graph_), 0);
    }
    EXPECT_EQ(aclrtDestroyStream(stream_), 0);
    Machine::TearDown();
  }
  int begin(aclmdlRICaptureMode mode = ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL) {
    return aclmdlRICaptureBegin(stream_, mode);
  }
  int end() { return aclmdlRICaptureEnd(stream_, &graph_); }
  // Both calls of an operator.
  int silu(const Array& in, const Array& out) {
    uint64_t bytes = 0;
    aclOpExecutor* executor = nullptr;
    if (const int status = aclnnSiluGetWorkspaceSize(in, out, &bytes, &executor); status != 0) return status;
    EXPECT_EQ(bytes, 0u);
    return aclnnSilu(nullptr, 0, executor, stream_);
  }
  int replay() { return aclmdlRIExecuteAsync(graph_, stream_); }
  int synchronize() { return aclrtSynchronizeStream(stream_); }
  // What disturbs a capture ends it.
  void expect_disturbed() {
    aclmdlRICaptureStatus status = ACL_MODEL_RI_CAPTURE_STATUS_NONE;
    EXPECT_EQ(aclmdlRICaptureGetInfo(stream_, &status, nullptr), 0);
    EXPECT_EQ(status, ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED);
    EXPECT_EQ(end(), 507903);
    EXPECT_EQ(graph_, nullptr);
    EXPECT_EQ(synchronize(), 0) << "the stream is as it was";
  }

  aclrtStream stream_ = nullptr;
  aclmdlRI graph_ = nullptr;
};

TEST_F(FakeCannCapture, IsDoneWheneverItIsReplayedWithWhatMemoryHoldsThen) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  const Array out(ACL_FLOAT, {2}, {9, 9});
  ASSERT_EQ(begin(), 0);
  EXPECT_EQ(silu(in, out), 0);
  ASSERT_EQ(end(), 0);
  EXPECT_EQ(synchronize(), 0);
  EXPECT_EQ(out.values(), std::vector<double>({9, 9})) << "nothing is done yet";
  for (const double x : {0.0, 50.0}) {
    in.write({x, x});
    EXPECT_EQ(replay(), 0);
    EXPECT_EQ(synchronize(), 0);
    EXPECT_EQ(out.values(), std::vector<double>({x, x}));
  }
}

TEST_F(FakeCannCapture, CostsTheHostOneCall) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  const Array out(ACL_FLOAT, {2});
  fake_cann_forget_costs();
  ASSERT_EQ(begin(), 0);
  EXPECT_EQ(silu(in, out), 0);
  EXPECT_EQ(silu(in, out), 0);
  ASSERT_EQ(end(), 0);
  EXPECT_EQ(fake_cann_costs().full_calls, 2u);
  EXPECT_EQ(fake_cann_costs().launches, 0u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(replay(), 0);
  EXPECT_EQ(fake_cann_costs().full_calls, 2u);
  EXPECT_EQ(fake_cann_costs().graph_launches, 3u);
  EXPECT_EQ(fake_cann_costs().replayed, 6u);
  EXPECT_EQ(fake_cann_costs().launches, 6u);
  EXPECT_EQ(synchronize(), 0);
}

TEST_F(FakeCannCapture, HasStates) {
  EXPECT_EQ(aclmdlRICaptureBegin(nullptr, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL), 107000) << "the default stream";
  EXPECT_EQ(end(), 107029);
  ASSERT_EQ(begin(), 0);
  EXPECT_EQ(begin(), 107027);
  int elsewhere = 0;
  std::thread([&] {
    EXPECT_EQ(aclrtSetDevice(0), 0);
    elsewhere = end();
    EXPECT_EQ(aclrtResetDevice(0), 0);
  }).join();
  EXPECT_EQ(elsewhere, 107038);
  EXPECT_EQ(end(), 0);
}

TEST_F(FakeCannCapture, TheHostMayNotWait) {
  aclrtEvent event = nullptr;
  ASSERT_EQ(aclrtCreateEventExWithFlag(&event, ACL_EVENT_SYNC), 0);
  ASSERT_EQ(aclrtRecordEvent(event, stream_), 0);
  ASSERT_EQ(synchronize(), 0);
  aclrtStreamStatus stream_status = ACL_STREAM_STATUS_COMPLETE;
  aclrtEventRecordedStatus event_status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
  const std::vector<std::function<int()>> waits = {
      [&] { return synchronize(); },
      [&] { return aclrtSynchronizeDevice(); },
      [&] { return aclrtStreamQuery(stream_, &stream_status); },
      [&] { return aclrtSynchronizeEvent(event); },
      [&] { return aclrtQueryEventStatus(event, &event_status); },
  };
  for (const auto& wait : waits) {
    ASSERT_EQ(begin(ACL_MODEL_RI_CAPTURE_MODE_RELAXED), 0) << "in no mode";
    EXPECT_EQ(wait(), 107027);
    expect_disturbed();
  }
  EXPECT_EQ(aclrtDestroyEvent(event), 0);
}

TEST_F(FakeCannCapture, CopiesAndMemoryThatAreNoStreamsAreForRelaxedMode) {
  const Array array(ACL_FLOAT, {16}, std::vector<double>(16, 1));
  std::vector<float> host(16);
  void* memory = nullptr;
  const std::vector<std::function<int()>> unsafe = {
      [&] { return aclrtMemcpy(host.data(), 64, array.memory(), 64, ACL_MEMCPY_DEVICE_TO_HOST); },
      [&] { return aclrtMemset(array.memory(), 64, 0, 64); },
      [&] { return aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST); },
      [&] { return aclrtMallocHost(&memory, 64); },
  };
  for (const auto& call : unsafe) {
    ASSERT_EQ(begin(ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL), 0);
    EXPECT_EQ(call(), 107030);
    expect_disturbed();
  }
  ASSERT_EQ(begin(ACL_MODEL_RI_CAPTURE_MODE_RELAXED), 0);
  EXPECT_EQ(unsafe[0](), 0);
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(aclmdlRIDestroy(std::exchange(graph_, nullptr)), 0);

  // Another thread is disturbed by a capture in global mode alone.
  for (const aclmdlRICaptureMode mode : {ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL}) {
    ASSERT_EQ(begin(mode), 0);
    int status = 0;
    std::thread([&] {
      EXPECT_EQ(aclrtSetDevice(0), 0);
      status = unsafe[0]();
      EXPECT_EQ(aclrtResetDevice(0), 0);
    }).join();
    if (mode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL) {
      EXPECT_EQ(status, 107030);
      expect_disturbed();
    } else {
      EXPECT_EQ(status, 0);
      EXPECT_EQ(end(), 0);
      EXPECT_EQ(aclmdlRIDestroy(std::exchange(graph_, nullptr)), 0);
    }
  }
}

TEST_F(FakeCannCapture, AThreadMayTakeRelaxedMode) {
  const Array array(ACL_FLOAT, {16}, std::vector<double>(16, 1));
  ASSERT_EQ(begin(), 0);
  aclmdlRICaptureMode mode = ACL_MODEL_RI_CAPTURE_MODE_RELAXED;
  EXPECT_EQ(aclmdlRICaptureThreadExchangeMode(&mode), 0);
  EXPECT_EQ(aclrtMemset(array.memory(), 64, 0, 64), 0);
  EXPECT_EQ(aclmdlRICaptureThreadExchangeMode(&mode), 0);
  EXPECT_EQ(mode, ACL_MODEL_RI_CAPTURE_MODE_RELAXED) << "what it was before";
  EXPECT_EQ(end(), 0);
}

TEST_F(FakeCannCapture, AnOperatorThatFailsDisturbsIt) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  const Array out(ACL_FLOAT, {2});
  ASSERT_EQ(begin(), 0);
  fake_cann_fail(0, FAKE_CANN_LAUNCH, 1, 0);
  EXPECT_NE(silu(in, out), 0);
  expect_disturbed();
}

TEST_F(FakeCannCapture, ItsMemoryStaysAsLongAsItIsReplayed) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  {
    const Array out(ACL_FLOAT, {2});
    ASSERT_EQ(begin(), 0);
    EXPECT_EQ(silu(in, out), 0);
    ASSERT_EQ(end(), 0);
  }
  EXPECT_NE(replay(), 0);
  expect_violation("in no block");
}

TEST_F(FakeCannCapture, IsNotDestroyedWhileItIsReplayed) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  const Array out(ACL_FLOAT, {2});
  ASSERT_EQ(begin(), 0);
  EXPECT_EQ(silu(in, out), 0);
  ASSERT_EQ(end(), 0);
  EXPECT_EQ(replay(), 0);
  EXPECT_EQ(aclmdlRIDestroy(graph_), 107037);
  expect_violation("a replay is not done");
  EXPECT_EQ(synchronize(), 0);
}

TEST_F(FakeCannCapture, ErrorsOfAReplayAreTheCards) {
  const Array in(ACL_FLOAT, {2}, {0, 0});
  const Array out(ACL_FLOAT, {2});
  ASSERT_EQ(begin(), 0);
  EXPECT_EQ(silu(in, out), 0);
  ASSERT_EQ(end(), 0);
  fake_cann_fail(0, FAKE_CANN_EXECUTE, 2, 507015);
  EXPECT_EQ(replay(), 0);
  EXPECT_EQ(synchronize(), 507015);
}

// Each takes one of the card's streams.
TEST_F(FakeCannCapture, TakesAStream) {
  std::vector<aclmdlRI> graphs;
  int status = 0;
  while (graphs.size() < 3000) {
    ASSERT_EQ(begin(), 0);
    status = end();
    if (status != 0) break;
    graphs.push_back(std::exchange(graph_, nullptr));
  }
  EXPECT_EQ(status, 207008);
  EXPECT_EQ(graphs.size(), 1983u);
  aclrtStream other = nullptr;
  EXPECT_EQ(aclrtCreateStream(&other), 207008);
  for (aclmdlRI graph : graphs) EXPECT_EQ(aclmdlRIDestroy(graph), 0);
}

TEST_F(FakeCannCapture, NeedsADriverAndAChip) {
  fake_cann_old_driver(1);
  EXPECT_EQ(begin(), 207000);
  fake_cann_old_driver(0);
  fake_cann_set_soc("Ascend310P3");
  EXPECT_EQ(begin(), 207000);
}

}  // namespace
}  // namespace fake_cann::testing
