// PDF: the pictures of the pages with their text, not seen but searched and copied, where the blocks stand.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_pdf_writer(const Destination& to, const DocumentInfo& info);

}  // namespace lectern
