// HTML: one file that needs no other, each page's picture with its blocks marked beside their text.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_html_writer(const std::filesystem::path& path, const DocumentInfo& info,
                                                 const OutputOptions& options);

}  // namespace lectern
