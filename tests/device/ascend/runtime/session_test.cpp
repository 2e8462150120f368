#include "device/ascend/runtime/session.h"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "support/fake_card.h"

namespace lectern::ascend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

SessionOptions on_card(int card) {
  SessionOptions options = testing::fake_options().session;
  options.card = card;
  return options;
}

template <typename Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Bytes that say where they are.
std::vector<std::byte> pattern(size_t bytes) {
  std::vector<std::byte> all(bytes);
  for (size_t i = 0; i < bytes; ++i) all[i] = static_cast<std::byte>(i * 7 + i / 251);
  return all;
}

std::vector<std::byte> fetch(Session& session, const std::byte* from, size_t bytes) {
  std::vector<std::byte> all(bytes);
  session.download(from, bytes, [&](const std::byte* pinned, size_t first, size_t count) {
    std::copy_n(pinned, count, all.data() + first);
  });
  return all;
}

TEST(AscendSession, SaysWhatItIs) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  EXPECT_EQ(session.name(), "ascend:0");
  EXPECT_EQ(session.chip(), "Ascend910B2");
  EXPECT_TRUE(session.has_bf16());
  EXPECT_GT(session.memory().total, 0u);
  EXPECT_THAT(Session::software(session.library()), HasSubstr("CANN 8.3.RC1"));
}

TEST(AscendSession, KnowsChipsWithoutBf16) {
  const testing::FakeCann fake;
  fake_cann_set_soc("Ascend310P3");
  EXPECT_FALSE(Session(on_card(0)).has_bf16());
}

TEST(AscendSession, RefusesWhatCannotWork) {
  const testing::FakeCann fake;
  fake_cann_set_devices(2);
  EXPECT_THAT(error_of([] { Session(on_card(2)); }), AllOf(HasSubstr("ascend:2"), HasSubstr("choose 0 to 1")));
  fake_cann_set_version("8.0.RC3");
  EXPECT_THAT(error_of([] { Session(on_card(0)); }), AllOf(HasSubstr("8.0.RC3"), HasSubstr("8.1.RC1 or later")));
}

TEST(AscendSession, CopiesThereAndBack) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  for (const size_t bytes : {size_t{1}, size_t{4097}, size_t{200000}, size_t{19} << 20}) {
    std::byte* data = session.allocate(bytes);
    const std::vector<std::byte> sent = pattern(bytes);
    session.upload(data, sent.data(), bytes);
    EXPECT_EQ(fetch(session, data, bytes), sent) << bytes;
    session.release(data);
  }
}

// More copies than there are slots, none of them waited for.
TEST(AscendSession, ManyCopiesDoNotMix) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 50; ++i) {
    blocks.push_back(session.allocate(256));
    const std::vector<std::byte> sent(256, static_cast<std::byte>(i));
    session.upload(blocks.back(), sent.data(), sent.size());
  }
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(fetch(session, blocks[static_cast<size_t>(i)], 256),
              std::vector<std::byte>(256, static_cast<std::byte>(i)));
}

TEST(AscendSession, HandsReleasedMemoryOutAgain) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  std::byte* first = session.allocate(100000);
  session.release(first);
  EXPECT_EQ(session.allocate(99000), first);
  EXPECT_NE(session.allocate(99000), first);
}

TEST(AscendSession, GivesBackWhatIsFreeBeforeItGivesUp) {
  const testing::FakeCann fake;
  fake_cann_set_memory(0, size_t{64} << 20);
  Session session(on_card(0));
  const size_t free = session.memory().free;
  std::byte* large = session.allocate(size_t{40} << 20);
  EXPECT_LT(session.memory().free, free - (size_t{40} << 20));
  session.release(large);
  EXPECT_GT(session.memory().free, free - 4096) << "what is released can be had again";
  EXPECT_NE(session.allocate(size_t{50} << 20), nullptr);
  EXPECT_THAT(error_of([&] { session.allocate(size_t{50} << 20); }),
              AllOf(HasSubstr("ascend:0: no memory for 5"), HasSubstr("of 64 MiB are free"), HasSubstr("`batch`")));
  EXPECT_NE(session.allocate(1 << 20), nullptr);  // the card still serves
}

// No memory is an error of its own kind: the card goes on.
TEST(AscendSession, SaysThatMemoryIsOut) {
  const testing::FakeCann fake;
  fake_cann_set_memory(0, size_t{64} << 20);
  Session session(on_card(0));
  try {
    session.allocate(size_t{80} << 20);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
  EXPECT_NE(session.allocate(1 << 20), nullptr);
}

TEST(AscendSession, CopiesToPinnedMemoryWithoutWaiting) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  const std::vector<std::byte> bytes = pattern(1000);
  std::byte* on_card_memory = session.allocate(1000);
  session.upload(on_card_memory, bytes.data(), bytes.size());
  std::byte* pinned = session.allocate_host(1000);
  session.download_later(on_card_memory, 1000, pinned);
  aclrtEvent event = session.record();
  session.wait(event);
  EXPECT_TRUE(session.has_passed(event));
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), pinned));
  session.end(event);
  session.release_host(pinned);
}

TEST(AscendSession, KeepsConstantsAndForgetsTheOldest) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  int made = 0;
  const auto constant = [&](int i) {
    return session.constant("constant " + std::to_string(i), 64, [&](std::byte* to, size_t, size_t count) {
      ++made;
      std::fill_n(to, count, static_cast<std::byte>(i));
    });
  };
  const std::byte* first = constant(1);
  EXPECT_EQ(constant(1), first);
  EXPECT_EQ(made, 1);
  for (int i = 2; i < 100; ++i) constant(i);
  made = 0;
  EXPECT_EQ(fetch(session, constant(1), 64), std::vector<std::byte>(64, std::byte{1}));
  EXPECT_EQ(made, 1);
}

TEST(AscendSession, ServesEveryThread) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        std::byte* data = session.allocate(1000);
        const std::vector<std::byte> sent(1000, static_cast<std::byte>(t * 10 + i));
        session.upload(data, sent.data(), sent.size());
        right += fetch(session, data, 1000) == sent ? 1 : 0;
        session.release(data);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST(AscendSession, TwoCardsInOneThread) {
  const testing::FakeCann fake;
  fake_cann_set_devices(2);
  Session first(on_card(0));
  Session second(on_card(1));
  for (int i = 0; i < 3; ++i) {
    for (Session* session : {&first, &second}) {
      std::byte* data = session->allocate(64);
      const std::vector<std::byte> sent(64, static_cast<std::byte>(i));
      session->upload(data, sent.data(), sent.size());
      EXPECT_EQ(fetch(*session, data, 64), sent);
      session->release(data);
    }
  }
}

TEST(AscendSession, NamesTheOperatorThatCannotBeCalled) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  const View view(session.allocate(64), ACL_FLOAT, {4});
  fake_cann_refuse("aclnnSilu", 561003);
  EXPECT_THAT(error_of([&] { session.call(session.functions().silu, view, view); }),
              AllOf(HasSubstr("ascend:0: aclnnSilu failed: 561003"), HasSubstr("kernel package")));
}

// The card's own errors appear when it is waited for; then it is not used any further.
TEST(AscendSession, ReportsLateErrorsOnceAndForAll) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  const View a(session.allocate(64), ACL_FLOAT, {4});
  const View b(session.allocate(64), ACL_FLOAT, {4});
  fake_cann_fail(0, FAKE_CANN_EXECUTE, 1, 507015);
  session.call(session.functions().inplace_muls, a, Scalar{0});
  session.call(session.functions().silu, a, b);
  const std::string error = error_of([&] { session.synchronize(); });
  EXPECT_THAT(error, AllOf(HasSubstr("ascend:0"), HasSubstr("507015 (AI Core exception)"), HasSubstr("aclnnSilu"),
                           HasSubstr("not used any further"), Not(HasSubstr("\n"))));
  EXPECT_EQ(error_of([&] { session.call(session.functions().silu, a, b); }), error);
  EXPECT_EQ(error_of([&] { session.allocate(1); }), error);
}

uint64_t count(FakeCannCall call) { return fake_cann_calls(FAKE_CANN_ANY_DEVICE, call); }

// Eight products of [4, 4] matrices, of values that tell which.
class Repeated : public ::testing::Test {
 protected:
  void open(SessionOptions options = on_card(0)) {
    session_ = std::make_unique<Session>(options);
    for (int i = 0; i < 8; ++i) {
      std::vector<float> values(16, 0.0f);
      for (size_t j = 0; j < 4; ++j) values[5 * j] = static_cast<float>(i);
      factors_.emplace_back(session_->allocate(64), ACL_FLOAT, std::initializer_list<int64_t>{4, 4});
      session_->upload(const_cast<std::byte*>(factors_.back().data), values.data(), 64);
    }
    out_ = View(session_->allocate(64), ACL_FLOAT, {4, 4});
  }
  void multiply(size_t i) { session_->call(session_->functions().matmul, factors_[i], factors_[i], out_, int8_t{0}); }
  float result() {
    float value = 0;
    session_->download(out_.data, 64,
                       [&](const std::byte* from, size_t, size_t) { value = *reinterpret_cast<const float*>(from); });
    return value;
  }
  // Every product, `times` times.
  void expect_right_products(int times) {
    for (int i = 0; i < times * 8; ++i) {
      multiply(static_cast<size_t>(i % 8));
      EXPECT_EQ(result(), static_cast<float>((i % 8) * (i % 8)));
    }
  }

  const testing::FakeCann fake_;
  std::unique_ptr<Session> session_;
  std::vector<View> factors_;
  View out_;
};

TEST_F(Repeated, CallsAreMadeInFullOnce) {
  open();
  expect_right_products(3);
  EXPECT_EQ(session_->repeats(), 16u);
  EXPECT_EQ(count(FAKE_CANN_PREPARE), 8u);
  EXPECT_EQ(count(FAKE_CANN_LAUNCH), 24u);
}

TEST_F(Repeated, CallsAreKeptUpToANumber) {
  SessionOptions options = on_card(0);
  options.max_repeated_calls = 5;
  open(options);
  expect_right_products(2);
  EXPECT_EQ(session_->repeats(), 0u);
  multiply(7);
  multiply(3);
  EXPECT_EQ(session_->repeats(), 2u);
}

TEST_F(Repeated, CallsAreMadeInFullWhereCannCannotRepeatThem) {
  SessionOptions options = on_card(0);
  options.library.offered = [](std::string_view symbol) { return symbol != "aclSetAclOpExecutorRepeatable"; };
  open(options);
  expect_right_products(2);
  EXPECT_EQ(session_->repeats(), 0u);
  EXPECT_EQ(count(FAKE_CANN_REPEAT), 0u);
}

TEST_F(Repeated, ARefusalIsTakenForAnAnswer) {
  open();
  fake_cann_fail(0, FAKE_CANN_REPEAT, 1, 561000);
  for (int i = 0; i < 3; ++i) multiply(2);
  EXPECT_EQ(result(), 4.0f);
  EXPECT_EQ(session_->repeats(), 0u);
  EXPECT_EQ(count(FAKE_CANN_REPEAT), 1u);
  multiply(3);  // aclnn remembers the shapes: it refuses these too
  multiply(3);
  EXPECT_EQ(result(), 9.0f);
  EXPECT_EQ(session_->repeats(), 0u);
}

TEST_F(Repeated, ACallThatFailsIsMadeInFullTheNextTime) {
  open();
  multiply(1);
  fake_cann_fail(0, FAKE_CANN_LAUNCH, 1, 0);
  EXPECT_THAT(error_of([&] { multiply(1); }), HasSubstr("aclnnMatmul failed"));
  multiply(1);
  EXPECT_EQ(count(FAKE_CANN_PREPARE), 2u);
  multiply(1);
  EXPECT_EQ(count(FAKE_CANN_PREPARE), 2u);
  EXPECT_EQ(result(), 1.0f);
}

TEST_F(Repeated, LargeCallsAndThoseWithHostArraysAreNot) {
  fake_cann_shapes_only(1);
  open();
  const View large(session_->allocate(size_t{100} << 20), ACL_FLOAT, {5000, 5000});
  const View other(session_->allocate(size_t{100} << 20), ACL_FLOAT, {5000, 5000});
  const View weight(session_->allocate(64), ACL_FLOAT, {4});
  const std::array<int64_t, 1> width = {4};
  session_->call(session_->functions().inplace_muls, large, Scalar{0});
  session_->call(session_->functions().inplace_muls, weight, Scalar{0});
  const uint64_t asked = count(FAKE_CANN_REPEAT);
  session_->call(session_->functions().silu, large, other);
  session_->call(session_->functions().layer_norm, factors_[0], IntegerArray{width}, weight, weight, 1e-6, out_, absent,
                 absent);
  EXPECT_EQ(count(FAKE_CANN_REPEAT), asked);
  session_->synchronize();
}

// Of a plain executor there may be no workspace left to run it with.
TEST(AscendSession, EndsAnExecutorThatHasNoWorkspace) {
  const testing::FakeCann fake;
  Session session(on_card(0));
  const View a(session.allocate(64 * 64 * 4), ACL_FLOAT, {64, 64});
  const View b(session.allocate(64 * 64 * 4), ACL_FLOAT, {64, 64});
  for (int i = 0; i < 2; ++i) {  // the second comes from aclnn's cache
    fake_cann_fail(0, FAKE_CANN_MALLOC, 1, 0);
    EXPECT_THAT(error_of([&] { session.call(session.functions().matmul, a, a, b, int8_t{0}); }),
                HasSubstr("no memory"));
  }
  session.call(session.functions().inplace_muls, a, Scalar{0});
  session.call(session.functions().matmul, a, a, b, int8_t{0});
  session.synchronize();
}

}  // namespace
}  // namespace lectern::ascend
