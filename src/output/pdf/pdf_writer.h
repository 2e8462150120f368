// PDF: the pictures of the pages with their text, not seen but searched and copied, where the blocks stand.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_pdf_writer(const std::filesystem::path& path, const DocumentInfo& info);

}  // namespace lectern
