#include "device/operators/operator_work.h"

#include <gtest/gtest.h>

#include "device/cpu/cpu_device.h"
#include "device/step_batch.h"
#include "support/experts.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::view_of;

TEST(OperatorWork, OfAProduct) {
  std::vector<float> values(1000);
  const Weight weight = cpu_device().make_weight(view_of(values, {8, 16}), WeightFormat::f32);
  const Work work =
      work_of(LinearArgs{.in = view_of(values, {3, 16}), .weight = weight, .out = view_of(values, {3, 8})});
  EXPECT_EQ(work.operations, 2 * 3 * 8 * 16);
  EXPECT_EQ(work.bytes, 4 * (3 * 16 + 8 * 16 + 3 * 8));
}

TEST(OperatorWork, CountsWhatIsRepeatedOnce) {
  std::vector<float> values(1000);
  const MutableTensorView all = view_of(values, {10, 20});
  const Work work = work_of(BinaryArgs{.a = all, .b = broadcast(view_of(values, {20}), all.shape), .out = all});
  EXPECT_EQ(work.operations, 0);
  EXPECT_EQ(work.bytes, 4 * (200 + 20 + 200));
}

// A row of 4 heads of 8 sees itself and what is before it.
TEST(OperatorWork, OfCausalAttention) {
  std::vector<float> values(1000);
  const std::array<SequenceRows, 1> rows = {{{0, 2, 10, {}}}};
  const StepBatch step(cpu_device(), rows);
  const CacheLayer cache = {nullptr, 1, 4, 8, {64, 64 * 2 * 32 * 4, DataType::f32}};
  const Work work = work_of(PagedAttentionArgs{
      .queries = view_of(values, {2, 32}), .heads = 4, .step = step, .cache = cache, .out = view_of(values, {2, 32})});
  EXPECT_EQ(work.operations, 4 * 32 * (11 + 12));
  EXPECT_EQ(work.bytes, 4 * (2 * 32 + 2 * 32 + 12 * 2 * 32));
  const Work windowed = work_of(PagedAttentionArgs{.queries = view_of(values, {2, 32}),
                                                   .heads = 4,
                                                   .step = step,
                                                   .cache = cache,
                                                   .out = view_of(values, {2, 32}),
                                                   .window = 5});
  EXPECT_EQ(windowed.operations, 4 * 32 * (6 + 7));
}

TEST(OperatorWork, OfWhatIsFused) {
  std::vector<float> values(1000);
  const Weight weight = cpu_device().make_weight(view_of(values, {8, 16}), WeightFormat::f32);
  const Weight down = cpu_device().make_weight(view_of(values, {16, 8}), WeightFormat::f32);
  const MutableTensorView x = view_of(values, {3, 16});
  const double product = 2 * 3 * 8 * 16;
  const WeightStack two{{weight, weight}}, three{{weight, weight, weight}};
  EXPECT_EQ(work_of(GatedLinearArgs{.in = x, .gate_up = two, .out = view_of(values, {3, 8})}).operations, 2 * product);
  const StepBatch step(cpu_device(), {});
  EXPECT_EQ(work_of(ProjectQkvArgs{.x = x, .qkv = three, .step = step, .queries = view_of(values, {3, 8})}).operations,
            3 * product);
  const testing::Expert one = {weight, weight, down};
  const ExpertBank experts = testing::bank_of(cpu_device(), {one, one, one, one});
  const ExpertBank shared = testing::bank_of(cpu_device(), {one});
  const Weight router = cpu_device().make_weight(view_of(values, {4, 16}), WeightFormat::f32);
  const double routing = 2 * 3 * 4 * 16;
  EXPECT_EQ(work_of(MixtureOfExpertsArgs{.x = x, .router = router, .experts = experts, .top_k = 2, .shared = shared})
                .operations,
            routing + (2 + 1) * 3 * product);
  const MutableTensorView logits = view_of(values, {2, 8});
  EXPECT_EQ(work_of(SampleArgs{.x = x, .head = weight, .step = step, .logits = logits}).operations, 2 * product / 3);
}

}  // namespace
}  // namespace lectern
