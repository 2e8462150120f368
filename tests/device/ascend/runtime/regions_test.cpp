#include "device/ascend/runtime/regions.h"

#include <gmock/gmock.h>

#include <array>

#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using ::testing::HasSubstr;

constexpr int64_t count = 16;
constexpr size_t bytes = count * sizeof(float);

// Work of three operators with memory of its own: out = 2 in + constant.
class AscendRegions : public ::testing::Test {
 protected:
  void open(const SessionOptions& options = testing::fake_options().session) {
    session_ = std::make_unique<Session>(options);
    in_ = session_->allocate(bytes);
    out_ = session_->allocate(bytes);
    old_ = session_->allocate(bytes);
    fill(old_, 100);
    regions_ = std::make_unique<Regions>(*session_);
  }
  void TearDown() override {
    regions_.reset();
    session_.reset();
  }
  View view(const std::byte* data) const { return {data, ACL_FLOAT, {count}}; }
  static TensorView tensor(const std::byte* data) { return {data, DataType::f32, {count}}; }
  void fill(std::byte* to, float value) {
    std::array<float, count> values = {};
    values.fill(value);
    session_->upload(to, values.data(), bytes);
  }
  float value_of(const std::byte* from) {
    float value = 0;
    session_->download(from, bytes,
                       [&](const std::byte* pinned, size_t, size_t) { std::memcpy(&value, pinned, sizeof(value)); });
    return value;
  }
  void work() {
    ++bodies_;
    const Functions& f = session_->functions();
    std::byte* const own = session_->allocate(bytes);
    struct Release {
      ~Release() { session.release(data); }
      Session& session;
      std::byte* data;
    } const release{*session_, own};
    const std::byte* constant = session_->constant("tens", bytes, [](std::byte* to, size_t, size_t size) {
      std::fill_n(reinterpret_cast<float*>(to), size / sizeof(float), 10.0f);
    });
    session_->call(f.add, view(in_), view(in_), Scalar{1}, view(own));
    session_->call(f.add, view(own), view(constant), Scalar{1}, view(out_));
    session_->call(f.inplace_add, view(out_), view(old_), Scalar{1});
  }
  void run() {
    const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
    regions_->run(7, operands, [&] { work(); });
  }
  // Runs it with some values and looks at what comes out.
  void expect_right(int times = 3) {
    for (int i = 0; i < times; ++i) {
      const auto value = static_cast<float>(++value_);
      fill(in_, value);
      run();
      EXPECT_EQ(value_of(out_), 2 * value + 110) << "run " << value_;
    }
  }

  const testing::FakeCann fake_;
  std::unique_ptr<Session> session_;
  std::byte* in_ = nullptr;
  std::byte* out_ = nullptr;
  std::byte* old_ = nullptr;
  std::unique_ptr<Regions> regions_;
  int bodies_ = 0;
  int value_ = 0;
};

TEST_F(AscendRegions, AreCapturedTheSecondTimeAndReplayedFromThenOn) {
  open();
  expect_right(1);
  EXPECT_EQ(regions_->graphs(), 0u);
  expect_right(1);
  EXPECT_EQ(regions_->graphs(), 1u);
  EXPECT_EQ(bodies_, 2);
  const uint64_t prepared = fake_cann_calls(0, FAKE_CANN_PREPARE);
  const uint64_t launched = fake_cann_calls(0, FAKE_CANN_LAUNCH);
  expect_right(5);
  EXPECT_EQ(bodies_, 2);
  EXPECT_EQ(fake_cann_calls(0, FAKE_CANN_PREPARE), prepared);
  EXPECT_EQ(fake_cann_calls(0, FAKE_CANN_LAUNCH), launched);
  EXPECT_EQ(regions_->replays(), 6u);
}

TEST_F(AscendRegions, OtherOperandsAreOtherWork) {
  open();
  expect_right();
  std::byte* const before = std::exchange(out_, session_->allocate(bytes));
  expect_right();
  EXPECT_EQ(regions_->graphs(), 2u);
  const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
  regions_->run(8, operands, [&] { work(); });
  EXPECT_EQ(bodies_, 5);
  session_->release(before);
}

// Nothing else may write where a replay does.
TEST_F(AscendRegions, KeepTheirMemoryToThemselves) {
  open();
  expect_right();
  for (int i = 0; i < 50; ++i) {
    std::byte* const other = session_->allocate(bytes);
    fill(other, -1);
    run();
    EXPECT_EQ(value_of(other), -1.0f);
  }
  expect_right();
  EXPECT_EQ(bodies_, 2);
}

TEST_F(AscendRegions, ForgetWhatUsesMemoryThatIsGone) {
  open();
  expect_right();
  session_->release(old_);
  old_ = session_->allocate(bytes);
  fill(old_, 100);
  expect_right(2);
  EXPECT_EQ(bodies_, 4) << "done and captured once more";
  expect_right();
  EXPECT_EQ(bodies_, 4);
}

TEST_F(AscendRegions, RefuseMemoryThatIsNoOperandAndNotOld) {
  open();
  for (int i = 0; i < 6; ++i) {
    // A table of one step alone, in the same place every time.
    std::byte* const table = session_->allocate(bytes);
    fill(table, static_cast<float>(i));
    const std::array<TensorView, 1> operands = {tensor(out_)};
    regions_->run(1, operands, [&] { session_->call(session_->functions().inplace_copy, view(out_), view(table)); });
    EXPECT_EQ(value_of(out_), static_cast<float>(i));
    session_->release(table);
  }
  EXPECT_EQ(regions_->replays(), 0u);
  EXPECT_THAT(regions_->last_failure(), HasSubstr("memory"));
  EXPECT_TRUE(session_->captures());
}

TEST_F(AscendRegions, DoWhatCannotBeCapturedAsItIs) {
  open();
  const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
  for (int i = 1; i <= 8; ++i) {
    fill(in_, static_cast<float>(i));
    float seen = 0;
    regions_->run(2, operands, [&] {
      session_->call(session_->functions().inplace_copy, view(out_), view(in_));
      seen = value_of(out_);  // the host waits
    });
    EXPECT_EQ(seen, static_cast<float>(i));
  }
  EXPECT_THAT(regions_->last_failure(), HasSubstr("a copy to the host"));
  expect_right();
  EXPECT_EQ(regions_->replays(), 2u);
}

TEST_F(AscendRegions, WorkThatKeepsMemoryIsNotCaptured) {
  open();
  std::byte* kept = nullptr;
  const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
  for (int i = 1; i <= 4; ++i) {
    fill(in_, static_cast<float>(i));
    regions_->run(3, operands, [&] {
      if (kept == nullptr) kept = session_->allocate(bytes);
      session_->call(session_->functions().inplace_copy, view(kept), view(in_));
    });
    expect_right(1);
    EXPECT_EQ(value_of(kept), static_cast<float>(i));
  }
  session_->release(kept);
}

TEST_F(AscendRegions, AreKeptUpToANumber) {
  open();
  for (int round = 0; round < 2; ++round) {
    for (int number = 1000; number < 1400; ++number) {
      const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
      for (int i = 0; i < 2; ++i)
        regions_->run(number, operands,
                      [&] { session_->call(session_->functions().inplace_copy, view(out_), view(in_)); });
    }
  }
  EXPECT_EQ(regions_->graphs(), 384u);
  expect_right();
}

// A failure anywhere ends in the direct way, with the same results; three of them in the direct way for good.
class AscendRegionsFailure : public AscendRegions, public ::testing::WithParamInterface<FakeCannCall> {};

TEST_P(AscendRegionsFailure, IsDoneAsItIs) {
  open();
  expect_right(1);
  fake_cann_fail(0, GetParam(), 1, 0);
  run();  // captures and replays
  EXPECT_EQ(value_of(out_), 2 * static_cast<float>(value_) + 110);
  EXPECT_TRUE(session_->captures());
  EXPECT_EQ(regions_->replays(), 0u);
  expect_right(5);
  EXPECT_GT(regions_->replays(), 2u) << "the next time it works";
}

TEST_P(AscendRegionsFailure, EndsCapturingWhenItComesAgain) {
  open();
  for (int i = 0; i < 12; ++i) {
    const uint64_t before = regions_->replays();
    const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
    fill(in_, 1);
    regions_->run(i, operands, [&] { work(); });
    if (session_->captures()) fake_cann_fail(0, GetParam(), 1, 0);
    regions_->run(i, operands, [&] { work(); });
    EXPECT_EQ(value_of(out_), 112.0f);
    EXPECT_EQ(regions_->replays(), before);
    if (!session_->captures()) break;
  }
  EXPECT_FALSE(session_->captures());
  EXPECT_THAT(session_->graphs_off(), HasSubstr("off: "));
  EXPECT_THAT(session_->graphs_off(), ::testing::Not(HasSubstr("\n")));
  EXPECT_EQ(session_->info().graphs, session_->graphs_off());
  expect_right();
}

INSTANTIATE_TEST_SUITE_P(Calls, AscendRegionsFailure,
                         ::testing::Values(FAKE_CANN_CAPTURE, FAKE_CANN_LAUNCH, FAKE_CANN_CAPTURE_END,
                                           FAKE_CANN_REPLAY),
                         [](const auto& info) {
                           std::string name = fake_cann_call_name(info.param);
                           std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
                           return name;
                         });

TEST_F(AscendRegions, OldDriversCaptureNothing) {
  fake_cann_old_driver(1);
  open();
  session_->try_capture();
  EXPECT_FALSE(session_->captures());
  EXPECT_THAT(session_->graphs_off(), HasSubstr("aclmdlRICaptureBegin failed: 207000"));
  expect_right(5);
  EXPECT_EQ(bodies_, 5);
}

TEST_F(AscendRegions, AreOffWhereFunctionsAreMissingOrNobodyWantsThem) {
  SessionOptions options = testing::fake_options().session;
  options.library.offered = [](std::string_view symbol) { return symbol != "aclmdlRIExecuteAsync"; };
  open(options);
  EXPECT_THAT(session_->graphs_off(), HasSubstr("8.3.RC1 has no functions for it"));
  TearDown();
  options = testing::fake_options().session;
  options.graphs = false;
  open(options);
  EXPECT_THAT(session_->graphs_off(), HasSubstr("asked for"));
  expect_right(5);
  EXPECT_EQ(bodies_, 5);
  EXPECT_EQ(fake_cann_calls(0, FAKE_CANN_CAPTURE), 0u);
}

TEST_F(AscendRegions, GiveTheirMemoryBackBeforeThereIsNone) {
  fake_cann_set_memory(0, size_t{4} << 20);
  open();
  const std::array<TensorView, 2> operands = {tensor(in_), tensor(out_)};
  const auto large = [&] {
    std::byte* const own = session_->allocate(size_t{2} << 20);
    session_->call(session_->functions().inplace_copy, view(own), view(in_));
    session_->call(session_->functions().inplace_copy, view(out_), view(own));
    session_->release(own);
  };
  for (int i = 0; i < 3; ++i) regions_->run(1, operands, large);
  EXPECT_EQ(regions_->graphs(), 1u);
  std::byte* const other = session_->allocate(size_t{3} << 20);
  EXPECT_EQ(regions_->graphs(), 0u);
  session_->release(other);
  for (int i = 1; i < 4; ++i) {
    fill(in_, static_cast<float>(i));
    regions_->run(1, operands, large);
    EXPECT_EQ(value_of(out_), static_cast<float>(i));
  }
}

}  // namespace
}  // namespace lectern::ascend
