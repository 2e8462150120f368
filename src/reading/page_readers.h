// Choice of the page reader: line by line for a model that was trained on rows of text, else whole pages.
#pragma once

#include <memory>

#include "lectern/model.h"
#include "reading/page_reader.h"

namespace lectern {

// Whether pages are read line by line: the model was trained so, the mode is lines or auto, and the prompt asks for the
// text.
bool reads_lines(const Model& model, const ReadOptions& options);

// Reads with the model's device, where the model is held, `batch` pages together. Throws as check_read_options does.
std::unique_ptr<PageReader> make_page_reader(const Model& model, const ReadOptions& options, int batch);

}  // namespace lectern
