// Markdown: blocks parted by blank lines, tables as HTML or pipes, figures cut out and linked.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_markdown_writer(const Destination& to, const DocumentInfo& info,
                                                     const OutputOptions& options);

}  // namespace lectern
