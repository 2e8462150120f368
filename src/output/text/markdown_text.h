// The text of a block as Markdown that shows what was printed.
//
// Characters are escaped only where a reader of Markdown (CommonMark, GitHub, pandoc) would take them for marks or
// tags.
#pragma once

#include <string>
#include <string_view>

#include "layout/text/text_tree.h"
#include "lectern/output.h"

namespace lectern {

struct MarkdownBlock {
  std::string text;
  int spanning_tables = 0;  // that stay HTML, since Markdown has no merged cells
};
MarkdownBlock markdown_block(const Block& block, const OutputOptions& options);

// Plain text within a line: a name, a message.
std::string markdown_text(std::string_view text);

// The destination of a link to a file beside the document.
std::string markdown_destination(std::string_view name);

}  // namespace lectern
