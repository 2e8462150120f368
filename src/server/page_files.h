// Files of the page at "/": those of src/server/page/, compiled into the program, and how they are served.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/http/http.h"

namespace lectern::server {

struct PageFile {
  std::string_view name;  // "index.html", "third_party/katex/katex.min.css"
  std::string_view bytes;
};

// All files; defined in a source that the build makes (cmake/EmbedPage.cmake).
std::span<const PageFile> page_files();

bool is_page_path(std::string_view path);  // "/", or below "/page/"
// Null if there is no such file.
const PageFile* find_page_file(std::string_view path);

// With the headers that confine the page to this server. `if_none_match` is the header's value: 304 if the client has
// these bytes already.
HttpResponse page_file_response(const PageFile& file, std::string_view if_none_match);

}  // namespace lectern::server
