#include "job/run_prompt.h"

#include <fmt/format.h>

#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "lectern/error.h"
#include "reading/models.h"

namespace lectern {

std::string choose_prompt(const Model& model, const DocumentOptions& options, const DocumentPlan& plan,
                          const std::function<void(const std::string& line)>& tell) {
  if (!options.read.prompt.empty()) return options.read.prompt;
  if (!plan.prompt.grounded || knows_grounding(model, plan.prompt)) return plan.prompt.name;
  std::string names;
  for (const Format format : plan.formats) {
    const FormatInfo& info = format_info(format);
    if (info.needs_layout) names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name);
  }
  tell(fmt::format("the model was not trained to tell where blocks stand; {} will have no places", names));
  return std::string(plan.model.prompts.front().name);
}

void check_pages_together(const Model& model, const DocumentOptions& options) {
  const ModelFiles& files = model.files();
  const Prompt prompt = pages_prompt(files.description());
  const ViewPlan& plan = files.description().pages_plan;
  if (options.read.mode != Mode::automatic && options.read.mode != plan.mode) {
    throw Error(fmt::format("`mode` {}: {} looks at several pages together in mode {} alone; use that, or leave it out",
                            name_of(options.read.mode), files.description().name, name_of(plan.mode)),
                ErrorCode::unsupported);
  }
  const auto context = static_cast<int64_t>(files.checkpoint.config().decoder.context);
  const auto words = static_cast<int64_t>(files.tokenizer.encode(prompt.text).size());
  const int64_t tokens = options.pages_together * tokens_of_page(model) + words;
  if (tokens >= context) {
    throw Error(
        fmt::format("`pages_together` {}: so many pages take {} tokens, but the model's context is {}; use fewer",
                    options.pages_together, tokens, context));
  }
}

}  // namespace lectern
