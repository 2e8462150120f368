// Every stage of a page against the PyTorch reference, from the picture to the chosen tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/threads.h"
#include "device/cpu/cpu_device.h"
#include "support/golden_case.h"
#include "support/least_device.h"
#include "support/sanitized.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::check_golden;

const std::string goldens = TEST_DATA "/goldens/";

json read_cases() { return json::parse(std::ifstream(goldens + "cases.json")); }

void check_case(const std::string& name, WeightFormat format, Device& device = cpu_device()) {
  const LoadedModel model(goldens + "mini", device, format);
  for (const auto& c : read_cases()) {
    if (c["expected"] == name + ".safetensors") return check_golden(model, goldens, c);
  }
  FAIL() << "no case of this name";
}

class Goldens : public ::testing::TestWithParam<std::string> {};

TEST_P(Goldens, EveryStage) { check_case(GetParam(), WeightFormat::f32); }

class GoldenVariants : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenVariants, EveryStageInBf16) { check_case(GetParam(), WeightFormat::bf16); }
TEST_P(GoldenVariants, EveryStageInQ8) { check_case(GetParam(), WeightFormat::q8); }

TEST_P(GoldenVariants, EveryStageOnTheLeastDevice) {
  testing::LeastDevice device;
  check_case(GetParam(), WeightFormat::f32, device);
}

TEST_P(GoldenVariants, EveryStageWithEveryOperatorReplaced) {
  check_case(GetParam(), WeightFormat::f32, *make_cpu_device(parse_operators("all")));
}

std::string name_of_case(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

const std::vector<std::string> small_cases = {"receipt-gundam", "receipt-tiny", "receipt-small"};
const std::vector<std::string> all_cases = {"page-gundam",  "page-base",     "page-large",    "receipt-gundam",
                                            "receipt-tiny", "receipt-small", "banner-gundam", "noise-gundam"};

INSTANTIATE_TEST_SUITE_P(Mini, Goldens, ::testing::ValuesIn(all_cases), name_of_case);
INSTANTIATE_TEST_SUITE_P(Mini, GoldenVariants, ::testing::ValuesIn(testing::sanitized ? small_cases : all_cases),
                         name_of_case);

TEST(GoldenFiles, AllAreHere) { EXPECT_EQ(read_cases().size(), 8u); }

TEST(GoldenFiles, WithEveryOperatorReplacedInBf16) {
  check_case("receipt-tiny", WeightFormat::bf16, *make_cpu_device(parse_operators("all")));
}

class Without : public ::testing::TestWithParam<Operator> {};

// Of those that the model does not call itself, on a device that needs them.
TEST_P(Without, EveryStageOfAPage) {
  OperatorSet without = parse_operators(name_of(GetParam()));
  if (!is_called_by_model(GetParam())) {
    for (const Operator which : all_operators()) {
      const auto i = static_cast<size_t>(which);
      if (is_called_by_model(which) && replaceable_operators().test(i)) without.set(i);
    }
  }
  const auto device = make_cpu_device(without);
  if (is_called_by_model(GetParam())) check_case("receipt-gundam", WeightFormat::f32, *device);
  check_case("receipt-tiny", WeightFormat::f32, *device);
  check_case("receipt-tiny", WeightFormat::bf16, *device);
}

std::vector<Operator> replaceable() {
  const OperatorSet set = parse_operators("all");
  std::vector<Operator> list;
  std::ranges::copy_if(all_operators(), std::back_inserter(list),
                       [&](Operator which) { return set.test(static_cast<size_t>(which)); });
  return list;
}

INSTANTIATE_TEST_SUITE_P(Goldens, Without, ::testing::ValuesIn(replaceable()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

// Pictures of one size give other rows, and rows give other logits, whatever the weights are kept as: in some ports the
// picture was ignored in silence.
TEST(GoldenFiles, APictureIsSeenInEveryFormat) {
  for (const auto& [folder, mode] :
       {std::pair("mini", Mode::tiny), {"unlimited-ocr/mini", Mode::base}, {"deepseek-ocr-2/mini", Mode::small}}) {
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
      SCOPED_TRACE(std::string(folder) + " " + std::string(name_of(format)));
      const LoadedModel model(goldens + folder, cpu_device(), format);
      std::vector<std::vector<float>> rows, logits;
      for (const char* const picture : {"receipt", "banner"}) {
        const Views views = make_views(read_picture(goldens + "images/" + picture + ".png"), model.plan(mode, true));
        const EncodedPage page = model.encoder.encode(views);
        rows.emplace_back(page.sequence.floats(), page.sequence.floats() + page.sequence.shape().elements());
        const std::vector<int32_t> prompt =
            model.expand_prompt(std::vector<int32_t>{model.image_token, 16}, page.sequence.shape()[0]);
        logits.push_back(testing::run_steps(model, prompt, page.sequence, {7}).logits);
      }
      EXPECT_GT(testing::relative_error(rows[0], rows[1]), 0.1);
      EXPECT_GT(testing::relative_error(logits[0], logits[1]), 0.05);
    }
  }
}

// Unusual sizes and types, with every instruction set and number of threads; see tests/data/make_odd_goldens.py.
TEST(GoldenFiles, Odd) {
  const LoadedModel model(goldens + "odd/model", cpu_device(), WeightFormat::f32);
  const json c = json::parse(std::ifstream(goldens + "odd/case.json"));
  testing::for_each_target([&] { check_golden(model, goldens + "odd/", c); });
  for (const int count : {1, 3}) {
    set_threads(count);
    check_golden(model, goldens + "odd/", c);
  }
  set_threads(0);
}

TEST(GoldenFiles, OddOfTheOtherModels) {
  const auto check = [](const std::string& name, Device& device) {
    SCOPED_TRACE(name);
    const std::string folder = goldens + name + "/";
    const LoadedModel model(folder + "model", device, WeightFormat::f32);
    check_golden(model, folder, json::parse(std::ifstream(folder + "case.json")));
  };
  check("odd-deepseek-ocr-2", cpu_device());
  testing::for_each_target([&] { check("odd-unlimited-ocr", cpu_device()); });
  check("odd-unlimited-ocr", *make_cpu_device(parse_operators("all")));
}

}  // namespace
}  // namespace lectern
