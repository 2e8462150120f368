// The calls of OpenAI's API:
//
//   GET  /v1/models, /v1/models/{id}
//   POST /v1/chat/completions
//   POST /v1/responses
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/http/http.h"
#include "server/model_shelf.h"
#include "server/openai/answer_form.h"
#include "server/openai/picture_request.h"
#include "server/openai/url_fetcher.h"
#include "server/page_feed.h"

namespace lectern::server {

class OpenAiApi {
 public:
  // All must outlive it.
  OpenAiApi(ModelShelf& shelf, PageFeed& feed, UrlFetcher& fetcher);

  // Throw ApiError.
  HttpResponse models() const;
  HttpResponse model(const std::string& name) const;
  // Return at once. `client`: whose turns the pages take.
  void chat(const std::shared_ptr<HttpExchange>& exchange, const std::string& client);
  void responses(const std::shared_ptr<HttpExchange>& exchange, const std::string& client);

 private:
  struct Asked;
  void fetch_pictures(const std::shared_ptr<Asked>& asked);
  void read(const std::shared_ptr<Asked>& asked);
  RequestRules rules() const;

  ModelShelf& shelf_;
  PageFeed& feed_;
  UrlFetcher& fetcher_;
  const int64_t started_;  // seconds since 1970
};

}  // namespace lectern::server
