// hOCR: the subset that Tesseract writes and OCRmyPDF reads, as XHTML. The words of a block have boxes in proportion
// to their lengths, since the model says where blocks are.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_hocr_writer(const std::filesystem::path& path, const DocumentInfo& info);

}  // namespace lectern
