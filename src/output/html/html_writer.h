// HTML: one file that needs no other, each page's picture with its blocks marked beside their text.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_html_writer(const Destination& to, const DocumentInfo& info,
                                                 const OutputOptions& options);

}  // namespace lectern
