#include "checkpoint/model_description.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// The side of the one view that published models are trained on; of models with CLIP, only those know tiles.
constexpr int published_view = 1024;

constexpr ViewPlan tiny{Mode::tiny, 512, 512, false, true};
constexpr ViewPlan small{Mode::small, 640, 640, false, true};
constexpr ViewPlan base{Mode::base, 1024, 1024, false, false};
constexpr ViewPlan large{Mode::large, 1280, 1280, false, false};

ViewPlan gundam(int tile, int max_tiles) { return {Mode::gundam, 1024, tile, true, false, max_tiles}; }
ViewPlan native(int view) { return {Mode::native, view, view, false, false}; }

constexpr TrainedPrompt markdown{"markdown", "<image>\n<|grounding|>Convert the document to markdown.", true, true};
constexpr TrainedPrompt ocr{"ocr", "<image>\n<|grounding|>OCR this image.", true, true};
constexpr TrainedPrompt free_ocr{"free", "<image>\nFree OCR.", false, true};
constexpr TrainedPrompt figure{"figure", "<image>\nParse the figure.", false, false};
constexpr TrainedPrompt describe{"describe", "<image>\nDescribe this image in detail.", false, false};

constexpr std::string_view labelled_before = "<|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|>";

ModelDescription deepseek_ocr(int view) {
  ModelDescription model;
  model.name = "DeepSeek-OCR";
  model.short_name = "deepseek-ocr";
  const std::vector<ViewPlan> published = {gundam(640, 9), base, tiny, small, large};
  if (view == published_view) {
    model.plans = published;
    model.plans.push_back(native(view));
  } else {
    model.plans = {native(view)};
    model.forced_plans = published;
  }
  model.prompts = {free_ocr, markdown, ocr, figure, describe};
  model.image_prefix = "<image>\n";
  model.locates = true;
  model.repeat = {{{30, 90}, {20, 50}, {30, 90}}};
  model.repeatable = {"<td>", "</td>"};
  model.layout = "ref";
  model.layout_form = labelled_before;
  return model;
}

// The encoder of DeepSeek-OCR, a decoder of its own.
ModelDescription unlimited_ocr(int view) {
  ModelDescription model;
  model.name = "Unlimited-OCR";
  model.short_name = "unlimited-ocr";
  model.plans = {gundam(640, 32), base, native(view)};
  model.forced_plans = {tiny, small, large};
  model.prompts = {{"markdown", "<image>document parsing.", true, true}};
  model.image_prefix = "<image>";
  model.pages_prompt = TrainedPrompt{"pages", "<image>Multi page parsing.", true, true};
  model.pages_plan = base;
  model.repeat = {{{35, 128}, {35, 128}, {35, 1024}}};
  model.window = 128;
  model.context = 32768;
  model.layout = "det";
  model.layout_form = "<|det|>label [x1, y1, x2, y2]<|/det|>";
  return model;
}

// Its queries are for views of 768 and 1024 pixels: nothing else can be forced on it.
ModelDescription deepseek_ocr_2(int) {
  ModelDescription model;
  model.name = "DeepSeek-OCR-2";
  model.short_name = "deepseek-ocr-2";
  model.encoder = EncoderKind::qwen2;
  model.plans = {gundam(768, 6), base, {Mode::small, 768, 768, false, true}, native(1024)};
  model.prompts = {free_ocr, markdown, ocr, figure, describe};
  model.image_prefix = "<image>\n";
  model.locates = true;
  model.repeat = {{{20, 90}, {20, 50}, {20, 90}}};
  model.repeatable = {"<td>", "</td>"};
  model.layout = "ref";
  model.layout_form = labelled_before;
  return model;
}

struct Known {
  std::string_view short_name;
  std::string_view architecture;
  std::vector<std::string_view> types;  // model_type, in small letters
  ModelDescription (*describe)(int view);
};

// model_type does not tell DeepSeek-OCR-2 from DeepSeek-OCR; the order matters where nothing else does either.
const std::vector<Known>& known_models() {
  static const std::vector<Known> models = {
      {"deepseek-ocr", "DeepseekOCRForCausalLM", {"deepseek_vl_v2", "deepseekocr", "deepseek_ocr"}, deepseek_ocr},
      {"unlimited-ocr", "UnlimitedOCRForCausalLM", {"unlimited-ocr", "unlimited_ocr"}, unlimited_ocr},
      {"deepseek-ocr-2",
       "DeepseekOCR2ForCausalLM",
       {"deepseek_vl_v2", "deepseekocr2", "deepseek_ocr2", "deepseek_ocr_2"},
       deepseek_ocr_2},
  };
  return models;
}

// "gundam, base and small"
std::string names_of(const std::vector<ViewPlan>& plans) {
  std::string names;
  for (size_t i = 0; i < plans.size(); ++i)
    names += fmt::format("{}{}", i == 0 ? "" : i + 1 == plans.size() ? " and " : ", ", name_of(plans[i].mode));
  return names;
}

}  // namespace

const ViewPlan& ModelDescription::plan_of(Mode mode, bool force) const {
  if (mode == Mode::automatic || mode == Mode::lines) return plans.front();
  const auto trained = std::ranges::find(plans, mode, &ViewPlan::mode);
  if (trained != plans.end()) return *trained;
  const auto possible = std::ranges::find(forced_plans, mode, &ViewPlan::mode);
  if (possible == forced_plans.end()) {
    throw Error(fmt::format("{} has no way to look at a page in mode {}; use `mode` auto, or one of {}", name,
                            name_of(mode), names_of(plans)),
                ErrorCode::unsupported);
  }
  if (force) return *possible;
  const std::string trained_on = plans.size() == 1 ? fmt::format("on one view of {} pixels", plans.front().whole)
                                                   : "in the modes " + names_of(plans);
  throw Error(fmt::format("was trained {} and does not know mode {}; use `mode` auto, or `force_mode` to try",
                          trained_on, name_of(mode)),
              ErrorCode::unsupported);
}

const ViewPlan* ModelDescription::tiled_plan() const {
  const auto tiled = std::ranges::find(plans, true, &ViewPlan::crop);
  return tiled == plans.end() ? nullptr : &*tiled;
}

std::optional<ModelDescription> describe_model(const ModelSigns& signs, int view) {
  const auto by_name = [&](const auto& matches) -> const Known* {
    const auto found = std::ranges::find_if(known_models(), matches);
    return found == known_models().end() ? nullptr : &*found;
  };
  const Known* known = nullptr;
  if (!signs.architectures.empty()) {
    known = by_name([&](const Known& model) {
      return std::ranges::find(signs.architectures, model.architecture) != signs.architectures.end();
    });
    if (known == nullptr) return std::nullopt;
  } else {
    const std::string type = lower_case(signs.model_type);
    known = by_name([&](const Known& model) {
      if (std::ranges::find(model.types, type) == model.types.end()) return false;
      const ModelDescription described = model.describe(view);
      return (described.encoder == EncoderKind::qwen2) == signs.qwen2;
    });
    if (known == nullptr) return std::nullopt;
    // A decoder with a window was trained as Unlimited-OCR's, whatever its type says.
    if (signs.window && known->describe(view).window == 0) return description_of("unlimited-ocr", view);
  }
  return known->describe(view);
}

const std::vector<TrainedPrompt>& all_trained_prompts() {
  static const std::vector<TrainedPrompt> all = [] {
    std::vector<TrainedPrompt> prompts;
    for (const Known& known : known_models()) {
      const ModelDescription model = known.describe(published_view);
      prompts.insert(prompts.end(), model.prompts.begin(), model.prompts.end());
      if (model.pages_prompt) prompts.push_back(*model.pages_prompt);
    }
    return prompts;
  }();
  return all;
}

ModelDescription description_of(std::string_view short_name, int view) {
  for (const Known& model : known_models()) {
    if (model.short_name == short_name) return model.describe(view);
  }
  throw Error("no model has the name " + std::string(short_name));
}

}  // namespace lectern
