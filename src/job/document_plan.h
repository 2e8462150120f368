// Plan of a run, made before a model is loaded: inputs, outputs and formats.
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
  // Throws Error for unsupported options and for outputs that must not or cannot be written. Creates no files.
  DocumentPlan(const DocumentOptions& options, const std::filesystem::path& model_folder);

  PageRange range;
  Inputs inputs;
  ModelDescription model;
  std::vector<Format> formats;  // none when nothing is written
  // The prompt asked for; else a grounded one if a format needs the layout.
  Prompt prompt;
  FileGate gate;
  Outputs outputs;
};

}  // namespace lectern
