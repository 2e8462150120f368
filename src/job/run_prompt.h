// Prompt of a run, chosen and checked once its model is loaded.
#pragma once

#include <functional>
#include <string>

#include "job/document_plan.h"
#include "lectern/documents.h"
#include "lectern/model.h"

namespace lectern {

// The prompt of the plan; the model's first one, told to `tell`, if formats ask for places that the model cannot give.
std::string choose_prompt(const Model& model, const DocumentOptions& options, const DocumentPlan& plan,
                          const std::function<void(const std::string& line)>& tell);

}  // namespace lectern
