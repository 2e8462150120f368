#include "server/documents/document_route.h"

#include "core/number.h"

namespace lectern::server {

std::optional<DocumentRoute> document_route(std::string_view path) {
  if (path == documents_root)
    return DocumentRoute{.kind = DocumentRoute::Kind::list, .label = documents_root, .methods = "GET, POST"};
  if (!path.starts_with(documents_root) || path[documents_root.size()] != '/') return std::nullopt;
  std::string_view rest = path.substr(documents_root.size() + 1);
  using Kind = DocumentRoute::Kind;
  DocumentRoute route;
  route.id = rest.substr(0, rest.find('/'));
  rest.remove_prefix(route.id.size());
  if (rest.empty()) {
    route.kind = Kind::job;
    route.label = "/v1/documents/{id}";
    route.methods = "GET, DELETE";
  } else if (rest == "/cancel") {
    route.kind = Kind::cancel;
    route.label = "/v1/documents/{id}/cancel";
    route.methods = "POST";
  } else if (rest == "/events") {
    route.kind = Kind::events;
    route.label = "/v1/documents/{id}/events";
  } else if (rest == "/result") {
    route.kind = Kind::result;
    route.label = "/v1/documents/{id}/result";
  } else if (constexpr std::string_view pages = "/pages/"; rest.starts_with(pages)) {
    rest.remove_prefix(pages.size());
    constexpr std::string_view picture = "/picture";
    const bool shows = rest.ends_with(picture);
    if (shows) rest.remove_suffix(picture.size());
    const std::optional<int64_t> number = whole_number(rest);
    if (!number || *number < 1 || *number > INT32_MAX) return std::nullopt;
    route.number = static_cast<int>(*number);
    route.kind = shows ? Kind::picture : Kind::page;
    route.label = shows ? "/v1/documents/{id}/pages/{n}/picture" : "/v1/documents/{id}/pages/{n}";
  } else {
    return std::nullopt;
  }
  return route;
}

}  // namespace lectern::server
