// Identity of a run: settings that must match before pages or files of an earlier run are reused.
//
// Both decompose the options member by member, so that a new member does not compile until it is considered here.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/prompts.h"
#include "lectern/documents.h"

namespace lectern {

// Of the text of a page: the model, its files, the prompt, and how pages are rendered and read.
nlohmann::json page_identity(const DocumentInfo& info, int native_size, const DocumentOptions& options,
                             const Prompt& prompt);

// Of the files of an input, beside their pages: what they are called, which pages are in them, and their looks.
nlohmann::json output_identity(const DocumentOptions& options, const std::vector<std::filesystem::path>& files);

}  // namespace lectern
