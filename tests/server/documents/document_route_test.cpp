#include "server/documents/document_route.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

TEST(DocumentRoute, TakesPathsApart) {
  EXPECT_EQ(document_route("/v1/documents")->kind, DocumentRoute::Kind::list);
  EXPECT_EQ(document_route("/v1/documents/a")->id, "a");
  EXPECT_EQ(document_route("/v1/documents/a/pages/12")->number, 12);
  EXPECT_EQ(document_route("/v1/documents/a/pages/12/picture")->kind, DocumentRoute::Kind::picture);
  EXPECT_EQ(document_route("/v1/documents/a/cancel")->methods, "POST");
  for (const char* path :
       {"/v1/documentsx", "/v1/document", "/v1/documents/a/b", "/v1/documents/a/pages/", "/v1/documents/a/pages/-1",
        "/v1/documents/a/pages/99999999999", "/v1/documents/a/result/x"}) {
    EXPECT_FALSE(document_route(path)) << path;
  }
}

using Given = std::vector<std::pair<std::string, std::string>>;

std::map<std::string, std::string> query_at(const std::string& path, const Given& query,
                                            const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  request.query = query;
  return query_of(*document_route(path), request);
}

TEST(DocumentRoute, KnowsItsQueries) {
  const std::map<std::string, std::string> result =
      query_at("/v1/documents/a/result", {{"format", "md"}, {"tables", "pipe"}});
  EXPECT_EQ(result, (std::map<std::string, std::string>{{"format", "md"}, {"tables", "pipe"}}));
  EXPECT_EQ(query_at("/v1/documents/a/pages/1/picture", {{"width", "9"}}).at("width"), "9");
  EXPECT_EQ(query_at("/v1/documents", {{"after", "x"}}).at("after"), "x");
  EXPECT_TRUE(query_at("/v1/documents/a/events", {}).empty());
}

TEST(DocumentRoute, RefusesOtherQueriesByTheirNames) {
  const auto refusal = [](const std::string& path, const Given& query, const std::string& method = "GET") {
    try {
      query_at(path, query, method);
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status, 400);
      return error.param;
    }
    return std::string("none");
  };
  EXPECT_EQ(refusal("/v1/documents/a/pages/1/picture", {{"widht", "9"}}), "widht");
  EXPECT_EQ(refusal("/v1/documents/a/pages/1/picture", {{"width", "9"}, {"width", "8"}}), "width");
  EXPECT_EQ(refusal("/v1/documents/a/result", {{"format", "md"}, {"format", "md"}}), "format");
  EXPECT_EQ(refusal("/v1/documents", {{"model", "ocr"}}, "POST"), "model");
  EXPECT_EQ(refusal("/v1/documents/a/events", {{"lastEventId", "1"}}), "lastEventId");
  EXPECT_EQ(refusal("/v1/documents/a", {{std::string(5000, 'x'), ""}}), std::string(200, 'x'));
}

}  // namespace
}  // namespace lectern::server
