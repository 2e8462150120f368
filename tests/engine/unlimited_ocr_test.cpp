// Unlimited-OCR against the PyTorch reference: views, every stage, logits and tokens, several pages in one sequence;
// its window in the cache; and what is seen when the window is another.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "engine/guard/token_classes.h"
#include "support/engine_runs.h"
#include "support/golden_case.h"
#include "support/least_device.h"
#include "support/sanitized.h"
#include "vision/crc32.h"

namespace lectern {
namespace {

using nlohmann::json;
using testing::EngineRun;
using testing::WrittenText;

const std::string goldens = TEST_DATA "/goldens/unlimited-ocr/";

json case_of(const std::string& name) {
  for (const json& c : json::parse(std::ifstream(goldens + "cases.json"))) {
    if (c["expected"] == name + ".safetensors") return c;
  }
  throw std::runtime_error("no case " + name);
}

json config_of(const json& c) { return json::parse(std::ifstream(goldens + c["config"].get<std::string>())); }

json with_window(json config, int window) {
  for (json* part : {&config, &config["language_config"]}) {
    for (const char* key : {"sliding_window_size", "sliding_window"}) {
      if (part->contains(key)) (*part)[key] = window;
    }
  }
  return config;
}

void check_case(const std::string& name, WeightFormat format, Device& device = cpu_device()) {
  const json c = case_of(name);
  const testing::ConfiguredModel folder(goldens + "mini", config_of(c));
  testing::check_golden(LoadedModel(folder.path(), device, format), goldens, c);
}

class UnlimitedOcr : public ::testing::TestWithParam<std::string> {};

TEST_P(UnlimitedOcr, EveryStage) { check_case(GetParam(), WeightFormat::f32); }
TEST_P(UnlimitedOcr, EveryStageInBf16) { check_case(GetParam(), WeightFormat::bf16); }
TEST_P(UnlimitedOcr, EveryStageInQ8) { check_case(GetParam(), WeightFormat::q8); }

class UnlimitedOcrOnDevices : public ::testing::TestWithParam<std::string> {};

TEST_P(UnlimitedOcrOnDevices, EveryStageOnTheLeast) {
  testing::LeastDevice device;
  check_case(GetParam(), WeightFormat::f32, device);
}

TEST_P(UnlimitedOcrOnDevices, EveryStageWithEveryOperatorReplaced) {
  check_case(GetParam(), WeightFormat::f32, *make_cpu_device(parse_operators("all")));
}

std::string name_of_case(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

const std::vector<std::string> all_cases = {"receipt-base", "receipt-base-128", "page-receipt-base", "page-gundam"};
const std::vector<std::string> small_cases = {"receipt-base"};

INSTANTIATE_TEST_SUITE_P(Goldens, UnlimitedOcr, ::testing::ValuesIn(all_cases), name_of_case);
INSTANTIATE_TEST_SUITE_P(Goldens, UnlimitedOcrOnDevices,
                         ::testing::ValuesIn(testing::sanitized ? small_cases : all_cases), name_of_case);

TEST(UnlimitedOcrFiles, AllCasesAreHere) {
  EXPECT_EQ(json::parse(std::ifstream(goldens + "cases.json")).size(), all_cases.size());
}

TEST(UnlimitedOcrFiles, ViewsEqualTheGoldens) {
  const LoadedModel model(goldens + "mini", cpu_device(), WeightFormat::f32);
  for (const char* name : {"receipt-base", "page-receipt-base", "page-gundam"}) {
    const json c = case_of(name);
    const ViewPlan plan = model.plan(named<Mode>(c["mode"].get<std::string>()).value(), false);
    std::vector<uint8_t> whole, tiles;
    for (const auto& image : c["images"]) {
      const Views views = make_views(read_picture(goldens + image.get<std::string>()), plan);
      whole.insert(whole.end(), views.whole.rgb.begin(), views.whole.rgb.end());
      for (const Picture& tile : views.tiles) tiles.insert(tiles.end(), tile.rgb.begin(), tile.rgb.end());
    }
    EXPECT_EQ(crc32(whole), c["whole_view_crc32"].get<uint32_t>()) << name;
    EXPECT_EQ(tiles.empty(), c["tiles_crc32"].is_null()) << name;
    if (tiles.empty()) continue;
    EXPECT_EQ(crc32(tiles), c["tiles_crc32"].get<uint32_t>()) << name;
  }
}

// A request with the golden's tokens forced, on rows of an image that are not those of the golden.
struct Forced {
  explicit Forced(const json& c, const LoadedModel& model, int64_t count = 273)
      : rows(static_cast<size_t>(count * model.decoder.config().hidden)) {
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i * 7919 % 1009) / 504.5F - 1;
    request.prompt = model.expand_prompt(c["prompt_token_ids"].get<std::vector<int32_t>>(), count);
    request.image_token = model.image_token;
    request.image = view_of_floats(rows, {count, model.decoder.config().hidden});
    request.forced = c["forced_token_ids"].get<std::vector<int32_t>>();
    request.logits = true;
    request.no_repeat.n = 0;
  }
  std::vector<float> rows;
  Request request;
};

WrittenText run(const LoadedModel& model, const Request& request, int64_t positions) {
  DeviceRunner runner(model.device, model.decoder, nullptr, positions);
  EngineRun engine(runner);
  WrittenText text;
  engine.add(request, text);
  engine.run();
  return text;
}

TEST(UnlimitedOcrWindow, IsSeenWhenItIsAnother) {
  const json c = case_of("receipt-base");
  const auto logits_with = [&](int window) {
    const testing::ConfiguredModel folder(goldens + "mini", with_window(config_of(c), window));
    const LoadedModel model(folder.path(), cpu_device(), WeightFormat::f32);
    EXPECT_EQ(model.decoder.config().window, window);
    return run(model, Forced(c, model).request, 1024).logits;
  };
  const auto expected = logits_with(16);
  for (const int window : {15, 17, 1000}) {
    const auto other = logits_with(window);
    ASSERT_EQ(other.size(), expected.size());
    double most = 0;
    for (size_t i = 0; i < other.size(); ++i) most = std::max(most, testing::relative_error(other[i], expected[i]));
    EXPECT_GT(most, 2e-3) << window;
    EXPECT_EQ(other[14], expected[14]) << "so early no window hides anything";
  }
}

// Sequences with few pages, which preempt each other, write what each writes alone; and none holds more than it sees.
TEST(UnlimitedOcrWindow, IsMadeAgainAfterAPreemption) {
  const LoadedModel model(goldens + "mini", cpu_device(), WeightFormat::f32);
  const json c = case_of("receipt-base-128");
  const Forced forced(c, model);
  const WrittenText alone = run(model, forced.request, 1024);
  DeviceRunner runner(model.device, model.decoder, nullptr, 1024);
  const int page = runner.pages().page_tokens();
  const int64_t prompt_pages = runner.pages().pages_for(static_cast<int64_t>(forced.request.prompt.size()) + 1);
  DeviceRunner small(model.device, model.decoder, nullptr, (2 * prompt_pages + 1) * page);
  EngineRun engine(small, {.sequences = 2});
  WrittenText first, second;
  engine.add(forced.request, first);
  engine.add(forced.request, second);
  engine.run();
  EXPECT_GT(engine.engine.preemptions(), 0);
  EXPECT_EQ(first.logits, alone.logits);
  EXPECT_EQ(second.logits, alone.logits);
  EXPECT_EQ(small.pages().free_pages(), small.pages().pages());
}

// Prompts of one page, of two, of a few rows and of words alone, whose windows begin at other places of their pages,
// and one that the guard watches: in a cache that is too small for them all.
TEST(UnlimitedOcrWindow, IsEachOnesOwnInABatch) {
  const json c = case_of("receipt-base-128");
  const testing::ConfiguredModel folder(goldens + "mini", with_window(config_of(c), 100));
  const LoadedModel model(folder.path(), cpu_device(), WeightFormat::f32);
  const TokenClasses classes(model.tokenizer);
  std::vector<Forced> pages;
  for (const int64_t rows : {273, 546, 5}) pages.emplace_back(c, model, rows);
  std::vector<Request> requests;
  requests.reserve(pages.size() + 2);
  for (const Forced& page : pages) requests.push_back(page.request);
  requests.push_back(pages.front().request);  // words alone
  requests.back().image = {};
  requests.back().prompt.assign(70, 9);
  requests.push_back(pages.front().request);  // as a reader asks
  requests.back().forced.clear();
  requests.back().max_tokens = 150;
  requests.back().guard.classes = &classes;
  std::vector<WrittenText> alone;
  alone.reserve(requests.size());
  for (const Request& request : requests) alone.push_back(run(model, request, 2048));
  int64_t begun = 0;  // pages that all need to begin
  DeviceRunner least(model.device, model.decoder, nullptr, 64);
  for (const Request& request : requests)
    begun += least.pages().pages_for(static_cast<int64_t>(request.prompt.size()) + 1);
  int64_t preemptions = 0;
  for (const int64_t spare : {0, 4, 6}) {
    DeviceRunner small(model.device, model.decoder, nullptr, (begun + spare) * least.pages().page_tokens());
    EngineRun engine(small, {.sequences = 5});
    std::vector<WrittenText> together(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) engine.add(requests[i], together[i]);
    engine.run();
    preemptions += engine.engine.preemptions();
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(together[i].tokens, alone[i].tokens) << i;
      EXPECT_TRUE(together[i].logits == alone[i].logits) << i;
      EXPECT_EQ(together[i].finishes, alone[i].finishes) << i;
    }
    EXPECT_EQ(small.pages().free_pages(), small.pages().pages());
  }
  EXPECT_GT(preemptions, 0);
}

}  // namespace
}  // namespace lectern
