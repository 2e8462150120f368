#include "server/page_files.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/text.h"

namespace lectern::server {
namespace {

constexpr std::string_view page_folder = "/page/";

// Content-Security-Policy: only what this server sends is run, shown and fetched, and strings become HTML only through
// DOMPurify. blob: pictures of pages, which are fetched with the key.
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types dompurify";

std::string type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> types = {{{".html", "text/html; charset=utf-8"},
                                                                              {".css", "text/css; charset=utf-8"},
                                                                              {".js", "text/javascript; charset=utf-8"},
                                                                              {".svg", "image/svg+xml"},
                                                                              {".woff2", "font/woff2"}}};
  const auto* const found = std::ranges::find_if(types, [&](const auto& type) { return name.ends_with(type.first); });
  return found == types.end() ? "text/plain; charset=utf-8" : found->second;  // licences
}

std::string tag_of(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return '"' + hex_digits(std::span(digest).first(16)) + '"';
}

// A list of tags, weak ones among them, or "*".
bool has_tag(std::string_view list, std::string_view tag) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag || one == "*") return true;
  }
  return false;
}

}  // namespace

bool is_page_path(std::string_view path) { return path == "/" || path.starts_with(page_folder); }

const PageFile* find_page_file(std::string_view path) {
  if (!is_page_path(path)) return nullptr;
  const std::string_view name = path == "/" ? "index.html" : path.substr(page_folder.size());
  const std::span<const PageFile> files = page_files();
  const auto found = std::ranges::find(files, name, &PageFile::name);
  return found == files.end() ? nullptr : &*found;
}

HttpResponse page_file_response(const PageFile& file, std::string_view if_none_match) {
  const std::string tag = tag_of(file.bytes);
  HttpResponse response;
  response.type = type_of(file.name);
  // Cached, but revalidated each time: a new version of the program has new files under the same names.
  response.headers = {{"ETag", tag},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", policy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"X-Frame-Options", "DENY"}};
  if (has_tag(if_none_match, tag)) {
    response.status = 304;
  } else {
    response.body = std::string(file.bytes);
  }
  return response;
}

}  // namespace lectern::server
