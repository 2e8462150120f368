// The server: routes, access and shutdown.
//
//   GET  /, /page/...                   the page, without a key
//   GET  /health, /health/live, /health/ready    without a key; /health is the second
//   GET  /metrics                       for Prometheus
//   /v1/...                             openai/openai_api.h
//   /v1/documents...                    documents/documents.h
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/documents/documents.h"
#include "server/http/api_keys.h"
#include "server/http/host_check.h"
#include "server/http/http_server.h"
#include "server/metrics.h"
#include "server/model_shelf.h"
#include "server/openai/openai_api.h"
#include "server/openai/url_fetcher.h"
#include "server/page_feed.h"

namespace lectern::server {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;                      // 0: a free one
  ApiKeys keys;                         // none: every request may pass
  bool allow_anonymous = false;         // serve without keys on a host that others can reach
  std::vector<std::string> host_names;  // accepted in the header Host, besides localhost and addresses
  std::vector<std::string> origins;     // "https://example.org", whose pages may use the server; "*": all
  HttpLimits http;
  FeedLimits feed;
  FetchLimits fetch;
  DocumentLimits documents;
  std::function<void(const std::string& line)> access_log;  // called once a request; may be empty, must not throw
};

// Throws Error for options that must not be served. Call it before any model is loaded.
void check_options(const ServerOptions& options);

class Server final : public HttpHandler {
 public:
  // Serves at once. Throws as check_options does, and Error where it cannot listen.
  Server(ServerOptions options, std::unique_ptr<ModelShelf> shelf);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override;

  std::string url() const;
  // Shutdown: refuses new work, waits so long for requests on their way, then ends those that are left. Whether all of
  // them finished.
  bool drain(std::chrono::milliseconds grace);

  // HttpHandler
  std::optional<HttpResponse> refuse(const HttpRequest& request) override;
  std::shared_ptr<HttpForm> form(const HttpRequest& request) override;
  HttpResponse limited(int status, size_t max_bytes) override;
  std::vector<std::pair<std::string, std::string>> headers(const HttpRequest& request) override;
  void handle(const std::shared_ptr<HttpExchange>& exchange) override;
  void finished(const HttpRequest& request, const HttpRecord& record) override;

 private:
  void check_access(const HttpRequest& request) const;
  bool allows_foreign(const HttpRequest& request) const;
  std::string client_of(const HttpRequest& request) const;
  HttpResponse answer(const HttpRequest& request);
  HttpResponse metrics();
  std::unique_ptr<Documents> make_documents();

  const ServerOptions options_;
  const HostCheck hosts_;
  Metrics metrics_;
  std::atomic<bool> draining_ = false;
  const std::unique_ptr<ModelShelf> shelf_;
  UrlFetcher fetcher_;
  OpenAiApi openai_;
  PageFeed feed_;                         // its pages use the models, its work the others
  std::unique_ptr<Documents> documents_;  // null: none are taken. Its pages use the feed
  HttpServer http_;                       // last: it calls all of the others
};

}  // namespace lectern::server
