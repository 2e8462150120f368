// Routes of documents:
//
//   GET, POST  /v1/documents
//   GET, DELETE  /v1/documents/{id}
//   POST  /v1/documents/{id}/cancel
//   GET  /v1/documents/{id}/events, /result, /pages/{n}, /pages/{n}/picture
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/http.h"

namespace lectern::server {

inline constexpr std::string_view documents_root = "/v1/documents";

struct DocumentRoute {
  enum class Kind : uint8_t { list, job, cancel, events, result, page, picture };
  Kind kind = Kind::list;
  std::string id{};
  int number = 0;                    // of the page
  std::string_view label;            // for the log and metrics: "/v1/documents/{id}"
  std::string_view methods = "GET";  // with ", " between
};

// nullopt for a path that is not a route.
std::optional<DocumentRoute> document_route(std::string_view path);

// Parameters of the query, by name. Throws ApiError for one that the route does not have or that is given twice.
std::map<std::string, std::string> query_of(const DocumentRoute& route, const HttpRequest& request);

}  // namespace lectern::server
