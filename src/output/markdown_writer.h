// Markdown: blocks parted by blank lines, tables as HTML or pipes, figures cut out and linked.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_markdown_writer(const std::filesystem::path& path, const DocumentInfo& info,
                                                     const OutputOptions& options);

}  // namespace lectern
