// Every stage of a page on a card that the fake toolkit plays, against the PyTorch reference: all models, both types,
// every version of CANN.
#ifdef LECTERN_ASCEND
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "support/fake_card.h"
#include "support/golden_case.h"
#include "support/sanitized.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::FakeCard;
using testing::Golden;

void check(const Golden& golden, WeightFormat format, Device& device) {
  const json c = golden.read();
  const std::string model = golden.path() + golden.model;
  const std::string config =
      c.contains("config") ? golden.path() + c["config"].get<std::string>() : model + "/config.json";
  const testing::ConfiguredModel folder(model, json::parse(std::ifstream(config)));
  testing::check_golden(LoadedModel(folder.path(), device, format), golden.path(), c);
}

using Case = std::tuple<Golden, const char*, DataType>;
class GoldensOnAscend : public ::testing::TestWithParam<Case> {};

TEST_P(GoldensOnAscend, EveryStage) {
  const auto& [golden, version, type] = GetParam();
  FakeCard card(type, [version = version] { fake_cann_set_version(version); });
  check(golden, WeightFormat::bf16, card.device());
}

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  std::string version = std::get<1>(info.param);
  std::ranges::replace(version, '.', '_');
  return std::get<0>(info.param).name() + "_" + version + "_" + std::string(name_of(std::get<2>(info.param)));
}

// The smallest of each model.
std::vector<Golden> small_goldens() {
  std::vector<Golden> all = testing::all_goldens();
  std::erase_if(all, [](const Golden& golden) {
    return golden.expected != "receipt-small" && golden.expected != "receipt-base" && golden.expected != "expected";
  });
  return all;
}

const Golden receipt_small = {"", "receipt-small"};
constexpr DataType types[] = {DataType::f16, DataType::bf16};

INSTANTIATE_TEST_SUITE_P(Mini, GoldensOnAscend,
                         ::testing::Combine(::testing::ValuesIn(testing::sanitized ? small_goldens()
                                                                                   : testing::all_goldens()),
                                            ::testing::Values("8.3.RC1"), ::testing::ValuesIn(types)),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(OtherVersions, GoldensOnAscend,
                         ::testing::Combine(::testing::ValuesIn(testing::sanitized ? std::vector(1, receipt_small)
                                                                                   : small_goldens()),
                                            ::testing::Values("8.1.RC1", "8.5.0"), ::testing::ValuesIn(types)),
                         name_of_case);

TEST(GoldenOnAscend, InF32) {
  FakeCard card(DataType::bf16);
  check(receipt_small, WeightFormat::f32, card.device());
}

// The least that CANN may have.
TEST(GoldenOnAscend, WithoutItsFusedOperators) {
  FakeCard card(DataType::f16, [] {
    fake_cann_absent(
        "aclnnPromptFlashAttentionV3,aclnnFusedInferAttentionScoreV2,aclnnApplyRotaryPosEmb,aclnnIm2col,aclnnSwiGlu,"
        "aclnnRotaryPositionEmbedding,aclnnGroupedMatmulV4,aclnnMoeInitRoutingV2,aclnnAddmm");
  });
  check(receipt_small, WeightFormat::bf16, card.device());
}

}  // namespace
}  // namespace lectern
#endif
