// PDF: the pages with their text, not seen but searched and copied, where the blocks stand. Pages of a PDF stay as they
// are, and the text is laid over them; others are pictures.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_pdf_writer(const Destination& to, const DocumentInfo& info,
                                                const OutputOptions& options, const AssemblePdf& assemble);

}  // namespace lectern
