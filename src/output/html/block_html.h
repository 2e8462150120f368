// The text of blocks as HTML, for the HTML format and for the tables within Markdown.
#pragma once

#include <string>

#include "layout/text/text_tree.h"

namespace lectern {

// Everything escaped; no tags but those of text: p, h3 to h6, ul, li, table, pre, code, strong, em, sup, sub, br, a.
std::string block_html(const Block& block);

struct InlineHtml {
  bool dollars = false;  // formulas between dollars rather than \( \) and \[ \]
  bool elements = true;  // formulas, pictures and links as elements; else as their Markdown
};
std::string inline_html(const TextRuns& runs, const InlineHtml& options = {});

// A table as the models write it, in one line.
std::string table_html(const std::vector<TableRow>& rows, const InlineHtml& options = {});

// "$x$" for "\( x \)", "$$x$$" for "\[ x \]"; formulas that have dollars already stay as they are.
std::string with_dollars(std::string_view formula);

}  // namespace lectern
