// Cases of the PyTorch reference, and a model run on them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "core/temp_folder.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "image/picture_file.h"
#include "support/values.h"

namespace lectern::testing {

// A case by its place below TEST_DATA/goldens.
struct Golden {
  std::string folder, expected;
  std::string model = "mini", cases = "cases.json";

  std::string path() const { return TEST_DATA "/goldens/" + folder; }
  nlohmann::json read() const {
    const auto all = nlohmann::json::parse(std::ifstream(path() + cases));
    for (const auto& c : all.is_array() ? all : nlohmann::json::array({all})) {
      if (c["expected"] == expected + ".safetensors") return c;
    }
    throw std::runtime_error("no case " + folder + expected);
  }
  // As part of a test's name.
  std::string name() const {
    std::string text = folder + expected;
    for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return text;
  }
  friend void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name(); }
};

inline std::vector<Golden> all_goldens() {
  std::vector<Golden> all;
  for (const char* name : {"page-gundam", "page-base", "page-large", "receipt-gundam", "receipt-tiny", "receipt-small",
                           "banner-gundam", "noise-gundam"})
    all.push_back({"", name});
  for (const char* name : {"slip-gundam", "receipt-gundam", "page-gundam", "receipt-small"})
    all.push_back({"deepseek-ocr-2/", name});
  for (const char* name : {"receipt-base", "receipt-base-128", "page-receipt-base", "page-gundam"})
    all.push_back({"unlimited-ocr/", name});
  for (const char* folder : {"odd/", "odd-deepseek-ocr-2/", "odd-unlimited-ocr/"})
    all.push_back({folder, "expected", "model", "case.json"});
  return all;
}

// Links to a model's files in a temporary folder, with another configuration.
class ConfiguredModel {
 public:
  ConfiguredModel(const std::filesystem::path& model, const nlohmann::json& config) {
    for (const auto& entry : std::filesystem::directory_iterator(model)) {
      if (entry.path().filename() != "config.json")
        std::filesystem::create_symlink(entry.path(), folder_ / entry.path().filename().string());
    }
    folder_.write("config.json", config.dump());
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

// The largest difference over the largest value at any stage.
inline double max_error(const LoadedModel& model) {
  return model.format == WeightFormat::f32 ? 1e-4 : model.format == WeightFormat::q8 ? 6e-2 : 3e-2;
}

// The routers of mini are random: the scores of the last expert chosen and of the first one left out differ by as
// little as 1e-4, and where rounding makes a layer choose the other, the logits of that step move by up to a tenth.
// So in bf16 a step in eight may pass the bound, by no more than this, and one in six where sums are rounded to bf16
// too, as PyTorch's are; the others keep to it.
inline constexpr double flipped_choice = 0.15;
inline int steps_to_a_flip(const LoadedModel& model) {
  return model.device.compute_types(model.format).residual == DataType::f32 ? 8 : 6;
}

class GoldenStages {
 public:
  GoldenStages(const std::string& path, Device& device, double max_error)
      : file_(Safetensors::open(path)), device_(device), max_error_(max_error) {}

  void expect_stage(const std::string& name, const Tensor& got) const {
    ASSERT_TRUE(got) << name;
    std::vector<float> values(static_cast<size_t>(got.shape().elements()));
    device_.download(got, values.data());
    expect_floats(name, values, got.shape(), max_error_);
  }

  void expect_floats(const std::string& name, const std::vector<float>& got, const Shape& shape,
                     double max_error) const {
    SCOPED_TRACE(name);
    const TensorView& expected = at(name);
    EXPECT_EQ(to_string(shape), to_string(expected.shape));
    EXPECT_LT(relative_error(got, copy_of<float>(expected)), max_error);
  }

  // Rows with an error over the bound.
  int64_t rows_beyond(const std::string& name, const TensorView& got) const {
    int64_t beyond = 0;
    for (int64_t i = 0; i < got.shape[0]; ++i) {
      const double error = relative_error(copy_of<float>(got.slice(i, 1)), copy_of<float>(at(name).slice(i, 1)));
      if (error >= max_error_) ++beyond;
    }
    return beyond;
  }

  void expect_integers(const std::string& name, const std::vector<int64_t>& got) const {
    EXPECT_EQ(got, copy_of<int64_t>(at(name))) << name;
  }

  bool has(const std::string& name) const { return file_.tensors().contains(name); }

  // The same stages of several pages, one behind the other.
  void expect_stages(const std::string& of, const std::vector<VisionStages>& pages) const {
    for (size_t i = 0; i < pages.front().size(); ++i) {
      const std::string name = of + pages.front()[i].name;
      if (!has(name)) continue;
      std::vector<float> all;
      for (const VisionStages& page : pages) {
        std::vector<float> values(static_cast<size_t>(page[i].values.shape().elements()));
        device_.download(page[i].values, values.data());
        all.insert(all.end(), values.begin(), values.end());
      }
      expect_floats(name, all, at(name).shape, max_error_);
    }
  }

  // Those of some views that the file has, and no others than `got` has.
  void expect_stages(const std::string& of, const VisionStages& got) const {
    for (const VisionStage& stage : got) {
      if (has(of + stage.name)) expect_stage(of + stage.name, stage.values);
    }
    for (const auto& [name, values] : file_.tensors()) {
      if (!name.starts_with(of)) continue;
      const auto is_it = [&, &name = name](const VisionStage& stage) { return of + stage.name == name; };
      EXPECT_TRUE(std::ranges::any_of(got, is_it)) << "no stage " << name;
    }
  }

 private:
  const TensorView& at(const std::string& name) const { return file_.tensors().at(name); }

  Safetensors file_;
  Device& device_;
  double max_error_;
};

struct GoldenSteps {
  std::vector<int64_t> tokens;  // the largest logit before every step
  std::vector<float> logits;
  int64_t vocabulary = 0;
  std::vector<Finish> finishes;
};

inline GoldenSteps run_steps(const LoadedModel& model, const std::vector<int32_t>& prompt, const TensorView& image,
                             const std::vector<int32_t>& forced) {
  GoldenSteps steps;
  Request request;
  request.prompt = prompt;
  request.image_token = model.image_token;
  request.image = image;
  request.no_repeat.n = 0;
  request.forced = forced;
  request.logits = true;
  DeviceRunner runner(model.device, model.decoder, nullptr, model.decoder.config().context);
  Engine engine(runner);
  engine.add(std::move(request));
  for (bool more = true; more;) {
    more = engine.step();
    for (const RequestEvent& event : engine.take_events()) {
      if (event.kind == RequestEvent::Kind::finished) steps.finishes.push_back(event.finish);
      if (event.logits.empty()) continue;
      steps.vocabulary = static_cast<int64_t>(event.logits.size());
      steps.logits.insert(steps.logits.end(), event.logits.begin(), event.logits.end());
      steps.tokens.push_back(argmax_token(event.logits, {}));
    }
  }
  return steps;
}

// Every stage of a case of the reference's, from the picture to the chosen tokens. folder: where its file lies.
inline void check_golden(const LoadedModel& model, const std::string& folder, const nlohmann::json& c) {
  const GoldenStages expected(folder + c["expected"].get<std::string>(), model.device, max_error(model));
  const auto pictures = c.contains("images") ? c["images"].get<std::vector<std::string>>()
                                             : std::vector<std::string>{c["image"].get<std::string>()};
  const ViewPlan plan = model.plan(named<Mode>(c["mode"].get<std::string>()).value(), false);
  const auto views_of = [&](const std::string& picture) { return make_views(read_picture(folder + picture), plan); };
  const auto all = std::make_shared<Views>(views_of(pictures.front()));
  for (size_t i = 1; i < pictures.size(); ++i) all->further.push_back(views_of(pictures[i]));
  expected.expect_integers("grid", {all->columns, all->rows});
  if (pictures.size() == 1) {
    const EncodedPage page = model.encoder.encode(*all, true);
    expected.expect_stages("whole_", page.whole);
    expected.expect_stages("tiles_", page.tiles);
    EXPECT_EQ(page.tiles.empty(), all->tiles.empty());
  } else {
    std::vector<VisionStages> pages;
    pages.push_back(model.encoder.encode(*all, true).whole);
    for (const Views& page : all->further) pages.push_back(model.encoder.encode(page, true).whole);
    expected.expect_stages("whole_", pages);
  }
  DeviceRunner runner(model.device, model.decoder, &model.encoder, 64);
  const std::unique_ptr<Encoding> encoding = runner.encode(all);
  while (!encoding->advance(true)) {
  }
  const TensorView sequence = encoding->rows();
  std::vector<float> rows(static_cast<size_t>(sequence.shape.elements()));
  model.device.download(sequence, rows.data());
  if (expected.has("image_sequence")) expected.expect_floats("image_sequence", rows, sequence.shape, max_error(model));

  const auto prompt = model.expand_prompt(c["prompt_token_ids"].get<std::vector<int32_t>>(), sequence.shape[0]);
  expected.expect_integers("prompt_ids", {prompt.begin(), prompt.end()});
  const GoldenSteps steps = run_steps(model, prompt, sequence, c["forced_token_ids"].get<std::vector<int32_t>>());
  if (model.format == WeightFormat::f32) expected.expect_integers("tokens", steps.tokens);
  const auto count = static_cast<int64_t>(steps.tokens.size());
  const Shape shape = {count, steps.vocabulary};
  if (model.format == WeightFormat::f32) {
    expected.expect_floats("logits", steps.logits, shape, max_error(model));
  } else {
    expected.expect_floats("logits", steps.logits, shape, flipped_choice);
    EXPECT_LE(expected.rows_beyond("logits", view_of(steps.logits, shape)), count / steps_to_a_flip(model));
  }
  EXPECT_EQ(steps.finishes, std::vector<Finish>{Finish::length});
}

}  // namespace lectern::testing
