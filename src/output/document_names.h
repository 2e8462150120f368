// Names of a document's source and model as its files show them: without the folders, which tell who made them.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// "scan.pdf" for "/home/ann/scan.pdf".
std::string document_title(std::string_view source);

// "deepseek-ai/DeepSeek-OCR@0123456789ab" for a folder of the store, the folder's name for any other.
std::string model_label(std::string_view folder);

}  // namespace lectern
