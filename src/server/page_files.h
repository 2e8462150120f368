// The page at "/": files of src/server/page/, which are compiled into the program, and how they are served.
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

// All of them; defined in a file that the build makes (cmake/EmbedPage.cmake).
std::span<const PageFile> page_files();

bool is_page_path(std::string_view path);  // "/", or below "/page/"
// Null for a path that has no file.
const PageFile* find_page_file(std::string_view path);

// With the headers that keep the page to itself. `if_none_match` is the header's value: 304 where the client has these
// bytes already.
HttpResponse page_file_response(const PageFile& file, std::string_view if_none_match);

}  // namespace lectern::server
