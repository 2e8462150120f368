#include "job/run_prompt.h"

#include <fmt/format.h>

#include "reading/models.h"

namespace lectern {

std::string choose_prompt(const Model& model, const DocumentOptions& options, const DocumentPlan& plan,
                          const std::function<void(const std::string& line)>& tell) {
  if (!options.read.prompt.empty()) return options.read.prompt;
  if (!plan.prompt.grounded || knows_grounding(model, plan.prompt)) return plan.prompt.name;
  std::string names;
  for (const Format format : plan.formats) {
    const FormatInfo& info = format_info(format);
    if (info.needs_layout) names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name());
  }
  tell(fmt::format("the model was not trained to tell where blocks stand; {} will have no places", names));
  return std::string(plan.model.prompts.front().name);
}

}  // namespace lectern
