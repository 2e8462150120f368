// All of a run that is known before a model is loaded: what is read, what may be written, and how.
#pragma once

#include <filesystem>
#include <vector>

#include "core/files/file_gate.h"
#include "engine/prompts.h"
#include "input/inputs.h"
#include "input/page_range.h"
#include "job/outputs.h"
#include "lectern/documents.h"

namespace lectern {

struct DocumentPlan {
  // Throws Error for options that cannot be served and for files that must not, or cannot, be written. Makes nothing.
  DocumentPlan(const DocumentOptions& options, const std::filesystem::path& model_folder);

  PageRange range;
  Inputs inputs;
  ModelDescription model;
  std::vector<Format> formats;  // none when nothing is written
  // As named; else grounded where a format lives from the layout.
  Prompt prompt;
  FileGate gate;
  Outputs outputs;
};

}  // namespace lectern
