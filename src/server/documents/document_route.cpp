#include "server/documents/document_route.h"

#include <fmt/format.h>

#include "core/number.h"
#include "server/documents/result_options.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

constexpr size_t max_name_bytes = 200;  // of a name that is repeated in an error

bool takes(const DocumentRoute& route, const std::string& method, std::string_view name) {
  using Kind = DocumentRoute::Kind;
  switch (route.kind) {
    case Kind::list: return name == "after" && method != "POST";
    case Kind::result: return name == "format" || is_result_option(name);
    case Kind::picture: return name == "width";
    case Kind::job:
    case Kind::cancel:
    case Kind::events:
    case Kind::page: return false;
  }
  return false;
}

}  // namespace

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

std::map<std::string, std::string> query_of(const DocumentRoute& route, const HttpRequest& request) {
  std::map<std::string, std::string> query;
  for (const auto& [name, value] : request.query) {
    const std::string shown = name.substr(0, max_name_bytes);
    if (!takes(route, request.method, name)) {
      throw ApiError(400, fmt::format("{}: there is no such option", shown), shown, "unknown_field");
    }
    if (!query.emplace(name, value).second) {
      throw ApiError(400, fmt::format("{}: given twice", shown), shown, "invalid_value");
    }
  }
  return query;
}

}  // namespace lectern::server
