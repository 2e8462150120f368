// Which kernels a copy becomes, and which executors can be repeated: by the rules of ops-math 8.3.RC1.
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_index_copy.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_rms_norm.h"
#include "aclnnop/aclnn_scatter_nd_update.h"
#include "aclnnop/aclnn_silu.h"
#include "aclnnop/aclnn_swi_glu.h"
#include "fake_cann/support.h"

namespace fake_cann::testing {
namespace {

class FakeCannKernels : public Machine {
 protected:
  struct Counted {
    uint64_t hidden, ai_cpu;
    bool operator==(const Counted&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Counted& c) {
      return out << c.hidden << " hidden, " << c.ai_cpu << " AI CPU";
    }
  };
  template <typename Call>
  static Counted count(const Call& call) {
    const FakeCannCosts before = fake_cann_costs();
    EXPECT_EQ(call(), 0);
    const FakeCannCosts after = fake_cann_costs();
    EXPECT_EQ(after.launches - before.launches, 1u);
    return {after.hidden_copies - before.hidden_copies, after.ai_cpu - before.ai_cpu};
  }
  static Counted copy(aclTensor* to, const aclTensor* from) {
    return count([&] { return run(aclnnInplaceCopyGetWorkspaceSize, aclnnInplaceCopy, to, from); });
  }
};

TEST_F(FakeCannKernels, ACopyIsOneKernelWhereOneSideIsDense) {
  fake_cann_shapes_only(1);
  Array dense(ACL_FLOAT16, {8, 64}), other(ACL_FLOAT16, {8, 64}), wide(ACL_FLOAT, {8, 64}), large(ACL_FLOAT16, {8, 96});
  EXPECT_EQ(copy(dense, other), (Counted{0, 0}));
  EXPECT_EQ(copy(dense, wide), (Counted{0, 0})) << "a conversion alone";
  EXPECT_EQ(copy(dense, large.view({8, 64}, {96, 1})), (Counted{0, 0})) << "from a slice";
  EXPECT_EQ(copy(large.view({8, 64}, {96, 1}), dense), (Counted{0, 0})) << "to a slice";
  EXPECT_EQ(copy(dense.view({64, 8}, {1, 64}), other.view({64, 8}, {8, 1})), (Counted{0, 0})) << "to a transpose";
  EXPECT_EQ(copy(other.view({64, 8}, {8, 1}), dense.view({64, 8}, {1, 64})), (Counted{0, 0})) << "from a transpose";
  EXPECT_EQ(copy(large.view({8, 64}, {96, 1}), wide), (Counted{1, 0})) << "converted, then to a slice";
}

// As windows of a view that does not divide by them were put back: one of its parts, [windows, windows, 14, 14].
TEST_F(FakeCannKernels, InterleavedTargetsGoToTheAiCpu) {
  fake_cann_shapes_only(1);
  constexpr int64_t width = 64, channels = 32;
  Array picture(ACL_FLOAT16, {width, width, channels}), windows(ACL_FLOAT16, {1, 4, 4, 14, 14, channels});
  aclTensor* target = picture.view({1, 4, 4, 14, 14, channels}, {width * width * channels, 14 * width * channels,
                                                                 14 * channels, width * channels, channels, 1});
  EXPECT_EQ(copy(target, windows), (Counted{0, 1}));
  // Padded to whole windows it is one transposition.
  Array padded(ACL_FLOAT16, {56, 56, channels});
  aclTensor* whole = padded.view({1, 4, 4, 14, 14, channels},
                                 {56 * 56 * channels, 14 * 56 * channels, 14 * channels, 56 * channels, channels, 1});
  EXPECT_EQ(copy(whole, windows), (Counted{0, 0}));
  // And a slice of it goes to where it belongs.
  Array sliced(ACL_FLOAT16, {2, 70, 70, channels}), views(ACL_FLOAT16, {2, 64, 64, channels});
  EXPECT_EQ(copy(sliced.view({2, 64, 64, channels}, {70 * 70 * channels, 70 * channels, channels, 1}), views),
            (Counted{0, 0}));
}

TEST_F(FakeCannKernels, StridedOperandsAreCopiedFirst) {
  Array dense(ACL_FLOAT, {8, 64}, std::vector<double>(512, 1)), other(ACL_FLOAT, {8, 64});
  const Array square(ACL_FLOAT, {8, 8});
  const auto silu = [&](aclTensor* in, aclTensor* out) {
    return count([&] { return run(aclnnSiluGetWorkspaceSize, aclnnSilu, in, out); });
  };
  EXPECT_EQ(silu(dense, other), (Counted{0, 0}));
  EXPECT_EQ(silu(dense.view({8, 32}, {64, 1}), other.view({8, 32}, {64, 1})), (Counted{2, 0}));
  const int8_t keep = 0;
  EXPECT_EQ(count([&] {
              return run(aclnnMatmulGetWorkspaceSize, aclnnMatmul, dense, dense.view({64, 8}, {1, 64}), square, keep);
            }),
            (Counted{0, 0}))
      << "products take transposed matrices";
}

class FakeCannRepeating : public FakeCannKernels {
 protected:
  // What making an executor repeatable says; it is ended.
  template <typename... Parameters, typename... Arguments>
  static int repeatable(aclnnStatus (*first)(Parameters...), SecondCall second, Arguments&&... arguments) {
    uint64_t bytes = 0;
    aclOpExecutor* executor = nullptr;
    EXPECT_EQ(first(arguments..., &bytes, &executor), 0);
    const int status = aclSetAclOpExecutorRepeatable(executor);
    if (status == 0) {
      EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
    } else {
      EXPECT_EQ(second(nullptr, 0, executor, nullptr), 0);
      EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
    }
    return status;
  }
};

TEST_F(FakeCannRepeating, NotWhatCopiesOntoItselfOrByTheAiCpu) {
  const Array rows(ACL_INT32, {1}, {1}), places(ACL_INT32, {1, 1}, {1}), source(ACL_FLOAT16, {1, 2}, {1, 2});
  const Array target(ACL_FLOAT16, {4, 2});
  EXPECT_EQ(repeatable(aclnnInplaceIndexCopyGetWorkspaceSize, aclnnInplaceIndexCopy, target, int64_t{0}, rows, source),
            561000);
  EXPECT_EQ(repeatable(aclnnScatterNdUpdateGetWorkspaceSize, aclnnScatterNdUpdate, target, places, source), 0);
}

TEST_F(FakeCannRepeating, IndividualOperatorsThoughPooledAndOnlyWithDenseOperands) {
  Array both(ACL_FLOAT16, {2, 8}, std::vector<double>(16, 1)), out(ACL_FLOAT16, {2, 4});
  EXPECT_EQ(run(aclnnSwiGluGetWorkspaceSize, aclnnSwiGlu, both, int64_t{-1}, out), 0);
  EXPECT_EQ(repeatable(aclnnSwiGluGetWorkspaceSize, aclnnSwiGlu, both, int64_t{-1}, out), 0) << "seen before";
  const Array weight(ACL_FLOAT16, {4}), factors(ACL_FLOAT, {2});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnRmsNormGetWorkspaceSize(both.view({2, 4}, {8, 1}), weight, 1e-6, out, factors, &bytes, &executor), 0);
  EXPECT_EQ(aclSetAclOpExecutorRepeatable(executor), 561000);
  EXPECT_STREQ(fake_cann_violations(), "");
  EXPECT_NE(std::string(fake_cann_leaks()).find("1 executors"), std::string::npos) << "and it stays for ever";
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
}

}  // namespace
}  // namespace fake_cann::testing
