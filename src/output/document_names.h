// Names of a document's source and model for its outputs, without folders, which may be private.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// "scan.pdf" for "/home/ann/scan.pdf".
std::string document_title(std::string_view source);

// "deepseek-ai/DeepSeek-OCR@0123456789ab" for a folder of the store, the folder's name for any other.
std::string model_label(std::string_view folder);

}  // namespace lectern
