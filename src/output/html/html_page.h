// Frame of the HTML format around its pages: head, style and script.
#pragma once

#include <string>

namespace lectern {

// Everything before the pages; `title` and `facts` are text, not markup. The content security policy allows the style
// and the script of this file alone, by their digests, and pictures that are part of it.
std::string html_head(const std::string& title, const std::string& facts);

// Everything after the pages.
std::string html_foot();

}  // namespace lectern
