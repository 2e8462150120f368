#include "server/documents/document_route.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lectern::server
