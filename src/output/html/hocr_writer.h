// hOCR: the subset that Tesseract writes and OCRmyPDF reads, as XHTML. The words of a block have boxes in proportion
// to their lengths, since the model says where blocks are.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_hocr_writer(const Destination& to, const DocumentInfo& info);

}  // namespace lectern
