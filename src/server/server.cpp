#include "server/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include "lectern/error.h"
#include "server/openai/api_error.h"
#include "server/openapi.h"
#include "server/page_files.h"

namespace lectern::server {
namespace {

constexpr std::string_view models_path = "/v1/models/";

struct Route {
  std::string_view path, methods;  // with ", " between
};
constexpr Route page_route = {"/page", "GET"};  // "/", and the files of the page
constexpr std::array<Route, 8> routes = {{{"/health", "GET"},
                                          {"/health/live", "GET"},
                                          {"/health/ready", "GET"},
                                          {"/metrics", "GET"},
                                          {"/openapi.json", "GET"},
                                          {"/v1/models", "GET"},
                                          {"/v1/chat/completions", "POST"},
                                          {"/v1/responses", "POST"}}};

// The route that a path belongs to; nothing for none.
std::optional<Route> route_of(std::string_view path) {
  if (is_page_path(path)) return page_route;
  if (const std::optional<DocumentRoute> route = document_route(path)) return Route{route->label, route->methods};
  if (path.starts_with(models_path) && path.size() > models_path.size()) path = "/v1/models";
  const auto* const found = std::ranges::find(routes, path, &Route::path);
  return found == routes.end() ? std::nullopt : std::optional(*found);
}

bool takes(const Route& route, std::string_view method) {
  if (method == "HEAD") method = "GET";
  for (std::string_view rest = route.methods; !rest.empty();) {
    const size_t end = rest.find(", ");
    if (rest.substr(0, end) == method) return true;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  }
  return false;
}

bool is_document(std::string_view path) { return document_route(path).has_value(); }

bool needs_no_key(std::string_view path) {
  return path == "/health" || path.starts_with("/health/") || is_page_path(path);
}

HttpResponse page_response(const HttpRequest& request) {
  const PageFile* const file = find_page_file(request.path);
  if (file == nullptr) throw ApiError(404, "there is nothing at this path", "", "not_found");
  return page_file_response(*file, request.if_none_match);
}

ServerOptions checked(ServerOptions options) {
  check_options(options);
  return options;
}

// What a client sent, for a line of the log.
std::string printable(std::string_view text) {
  constexpr size_t max_bytes = 200;
  std::string out(text.substr(0, max_bytes));
  std::ranges::replace_if(
      out, [](char c) { return c <= ' ' || c > '~' || c == '"'; }, '?');
  return out;
}

}  // namespace

void check_options(const ServerOptions& options) {
  if (is_loopback(options.host) || !options.keys.empty() || options.allow_anonymous) return;
  throw Error(fmt::format("host {}: others can reach it; set keys, which they must show, or allow anonymous requests",
                          options.host));
}

Server::Server(ServerOptions options, std::unique_ptr<ModelShelf> shelf)
    : options_(checked(std::move(options))),
      hosts_(options_.host_names),
      shelf_(std::move(shelf)),
      fetcher_(options_.fetch),
      openai_(*shelf_, feed_, fetcher_),
      feed_(options_.feed, {.waited = [this](double seconds) { metrics_.waited(seconds); },
                            .first_token = [this](double seconds) { metrics_.first_token(seconds); },
                            .read = [this](const PageAnswer& page) { metrics_.page(page); }}),
      documents_(make_documents()),
      http_(options_.host, options_.port, options_.http, *this) {}

Server::~Server() {
  http_.stop();
  fetcher_.stop();
  documents_.reset();  // its runs may wait for a model
  shelf_->close();
}

std::unique_ptr<Documents> Server::make_documents() {
  if (options_.documents.folder.empty()) return nullptr;
  const auto model = [this](const std::string& name) {
    const ModelSource* const source = shelf_->find(name);
    if (source == nullptr) return ModelLease();
    try {
      return shelf_->load(*source);
    } catch (const std::exception&) {
      throw ApiError(503, "model: cannot be loaded now; the server's log says why", "model", "model_not_loaded")
          .after(retry_seconds);
    }
  };
  // The feed counts the pages.
  return std::make_unique<Documents>(options_.documents, feed_, model, options_.feed.max_pixels);
}

std::string Server::url() const {
  const bool six = options_.host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", six ? "[" : "", options_.host, six ? "]" : "", http_.port());
}

bool Server::drain(std::chrono::milliseconds grace) {
  draining_ = true;
  const auto until = std::chrono::steady_clock::now() + grace;
  if (documents_) documents_->drain(until);
  const bool all = http_.wait_until_idle(until);
  http_.stop();
  return all;
}

void Server::check_access(const HttpRequest& request) const {
  if (request.ambiguous) {
    throw ApiError(400, "the head: expected Host once, once how long the body is, and no zero byte", "",
                   "ambiguous_head");
  }
  if (!hosts_.allows_host(request.host)) {
    throw ApiError(421, "Host: this server does not go by that name; it must be told of it", "", "unknown_host");
  }
  if (!HostCheck::allows_origin(request.origin, request.host) && !allows_foreign(request)) {
    throw ApiError(403, "Origin: requests from pages of other sites are not taken", "", "foreign_origin");
  }
  if (!options_.keys.empty() && !needs_no_key(request.path) && options_.keys.find(request.authorization) == 0) {
    throw ApiError(401, "Authorization: expected Bearer and one of the server's keys", "", "invalid_api_key");
  }
  const std::optional<Route> route = route_of(request.path);
  if (!route || (is_document(request.path) && !documents_)) {
    throw ApiError(404, "there is nothing at this path", "", "not_found");
  }
  if (!takes(*route, request.method)) {
    throw ApiError(405, fmt::format("{} takes {} alone", route->path, route->methods), "", "method_not_allowed");
  }
  if (draining_ && request.method == "POST") {
    throw ApiError(503, "the server is ending; try another", "", "draining").after(retry_seconds);
  }
}

// Whether it comes from a page of another site that may use the server.
bool Server::allows_foreign(const HttpRequest& request) const {
  return !request.origin.empty() && std::ranges::any_of(options_.origins, [&](const std::string& origin) {
    return origin == "*" || origin == request.origin;
  });
}

std::vector<std::pair<std::string, std::string>> Server::headers(const HttpRequest& request) {
  if (options_.origins.empty()) return {};
  std::vector<std::pair<std::string, std::string>> headers = {{"Vary", "Origin"}};
  if (!allows_foreign(request)) return headers;
  headers.emplace_back("Access-Control-Allow-Origin", request.origin);
  headers.emplace_back("Access-Control-Expose-Headers",
                       "X-Request-Id, Retry-After, Location, Content-Disposition, X-Lectern-Warnings");
  if (request.method == "OPTIONS") {
    headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
    headers.emplace_back("Access-Control-Allow-Headers",
                         "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Requested-With");
    headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return headers;
}

std::optional<HttpResponse> Server::refuse(const HttpRequest& request) {
  try {
    if (request.method == "OPTIONS" && allows_foreign(request) && hosts_.allows_host(request.host)) {
      return HttpResponse{.status = 204, .body = ""};  // what may be sent: browsers ask before they show a key
    }
    check_access(request);
    return std::nullopt;
  } catch (const ApiError& error) {
    HttpResponse response = error_response(error);
    if (request.ambiguous) response.headers.emplace_back("Connection", "close");
    if (error.status == 405) response.headers.emplace_back("Allow", route_of(request.path)->methods);
    return response;
  }
}

std::shared_ptr<HttpForm> Server::form(const HttpRequest& request) {
  return documents_ ? documents_->form(request) : nullptr;
}

HttpResponse Server::limited(int status, size_t max_bytes) {
  if (status == 400) {
    return error_response(ApiError(400, "the body is no form; send multipart/form-data", "", "invalid_form"));
  }
  if (status == 413) {
    return error_response(ApiError(413, fmt::format("the body is longer than the {} bytes that are taken", max_bytes),
                                   "", "body_too_large"));
  }
  return error_response(
      ApiError(status, "too many large requests are on their way; try again later", "", "busy").after(retry_seconds));
}

HttpResponse Server::metrics() {
  return {
      .type = Metrics::type,
      .body = metrics_.text(
          {.waiting = feed_.waiting(), .reading = feed_.reading(), .draining = draining_, .models = shelf_->counts()})};
}

HttpResponse Server::answer(const HttpRequest& request) {
  if (request.path == "/health/live") return {.body = R"({"status":"live"})"};
  if (request.path == "/health" || request.path == "/health/ready") {
    if (draining_) return {.status = 503, .body = R"({"status":"draining"})"};
    return {.body = R"({"status":"ready"})"};
  }
  if (request.path == "/metrics") return metrics();
  if (request.path == "/openapi.json") return {.body = std::string(openapi_json())};
  if (request.path.starts_with(models_path)) return openai_.model(request.path.substr(models_path.size()));
  return openai_.models();
}

// Whose turns its pages take: those of its key or, without keys, its address.
std::string Server::client_of(const HttpRequest& request) const {
  if (options_.keys.empty()) return request.client;
  return fmt::format("key {}", options_.keys.find(request.authorization));
}

void Server::handle(const std::shared_ptr<HttpExchange>& exchange) {
  answer_or_refuse(exchange, [&] {
    const HttpRequest& request = exchange->request();
    if (documents_ && is_document(request.path)) {
      return documents_->handle(exchange, options_.keys.owner(request.authorization));
    }
    if (is_page_path(request.path)) return exchange->respond(page_response(request));
    if (request.method != "POST") return exchange->respond(answer(request));
    if (request.path == "/v1/responses") return openai_.responses(exchange, client_of(request));
    openai_.chat(exchange, client_of(request));
  });
}

void Server::finished(const HttpRequest& request, const HttpRecord& record) {
  const std::optional<Route> route = route_of(request.path);
  const int status = record.gone && record.status == 0 ? 499 : record.status;  // as nginx counts those who left
  metrics_.request(std::string(route ? route->path : "other"), status, record.seconds);
  if (!options_.access_log) return;
  const std::time_t now = std::time(nullptr);
  options_.access_log(fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {} {} {} {} {} {} {:.3f}{}", fmt::gmtime(now), request.id,
                                  request.client, printable(request.method), printable(request.path), status,
                                  record.bytes, record.seconds, record.gone ? " gone" : ""));
}

}  // namespace lectern::server
