// Plans of views and prompts of models that no folder is needed for.
#pragma once

#include "checkpoint/model_description.h"

namespace lectern::testing {

// Of DeepSeek-OCR, or of a model like it that was trained on views of another size.
inline ViewPlan plan_of(Mode mode, int view = 1024) { return description_of("deepseek-ocr", view).plan_of(mode, true); }

}  // namespace lectern::testing
