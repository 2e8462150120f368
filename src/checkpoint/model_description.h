// What a model was trained for and its files do not say: views, prompts, limits of repetition, window of its own text.
// The table in model_description.cpp has one entry for each model; only that file tells models apart by name. What
// files do say (sizes, window, context, end token) are in ModelConfig.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/enums.h"

namespace lectern {

// The views of a page: the whole page in one square and, where it is cut, square tiles of it. In pixels.
struct ViewPlan {
  Mode mode = Mode::gundam;
  int whole = 1024;     // side of the view of the whole page
  int tile = 640;       // side of a tile
  bool crop = true;     // cut tiles when a side of the page is longer than a tile
  bool squash = false;  // stretch the whole page to the square instead of padding it
  int max_tiles = 9;

  bool operator==(const ViewPlan&) const = default;
};

enum class EncoderKind : uint8_t {
  clip,   // SAM beside CLIP over SAM: rows in lines, with a newline behind each
  qwen2,  // Qwen2 with learned queries over SAM
};

// Kind of input that the picture of a prompt shows.
enum class InputKind : uint8_t {
  picture,
  pdf,    // a page of a PDF
  pages,  // several pages in one sequence
};

// No n-gram is written twice within the last `window` ids.
struct RepeatLimit {
  int n = 0;
  int window = 0;
};

struct TrainedPrompt {
  std::string_view name;  // markdown, ocr, free, figure, describe or pages
  std::string_view text;
  bool grounded = false;  // asks for layout tags before every block
  bool all_text = false;  // asks for all text of the page
};

struct ModelDescription {
  std::string_view name;        // for people: "DeepSeek-OCR-2"
  std::string_view short_name;  // "deepseek-ocr-2"
  EncoderKind encoder = EncoderKind::clip;
  std::vector<ViewPlan> plans;                // that it was trained for; the usual one first
  std::vector<ViewPlan> forced_plans;         // that it can be made to try
  std::vector<TrainedPrompt> prompts;         // the one for nothing said first; that of several pages is not among them
  std::string_view image_prefix;              // stands before words of one's own
  bool locates = false;                       // knows the prompt that locates a text
  std::optional<TrainedPrompt> pages_prompt;  // none: it reads one page a sequence
  ViewPlan pages_plan;                        // of every one of several pages
  std::array<RepeatLimit, 3> repeat;          // by InputKind
  std::vector<std::string_view> repeatable;   // tokens that are exempt
  int window = 0;                             // of generated tokens, where config.json does not say; 0: it sees all
  int context = 8192;                         // positions, where config.json does not say
  int end_token = 1;                          // where neither it nor generation_config.json says
  std::string_view layout;                    // how it writes where a block stands: "ref" label, or label within "det"
  std::string_view layout_form;               // the same, for people
  float temperature = 0;

  const RepeatLimit& repeat_of(InputKind kind) const { return repeat[static_cast<size_t>(kind)]; }
  // Of automatic and of lines, whose blocks are read as pages, the usual one. Throws Error, with the reason, for a mode
  // that the model was not trained for unless it is forced, and for one that it cannot be made to try.
  const ViewPlan& plan_of(Mode mode, bool force) const;
  // The plan with tiles, if there is one among those trained for.
  const ViewPlan* tiled_plan() const;
};

// Facts of config.json that tell models apart; names of tensors are checked later, against `encoder`.
struct ModelSigns {
  std::vector<std::string> architectures = {};
  std::string model_type = {};
  bool qwen2 = false;   // vision_config has Qwen2
  bool window = false;  // a window of generated tokens is set
};

// nullopt for an unknown model. `view`: pixels along a side of the view that it was trained on.
std::optional<ModelDescription> describe_model(const ModelSigns& signs, int view);

// Every prompt of every model.
const std::vector<TrainedPrompt>& all_trained_prompts();

// By short name; for programs and tests that have no folder. `view` as above.
ModelDescription description_of(std::string_view short_name, int view = 1024);

}  // namespace lectern
