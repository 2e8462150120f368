#include "server/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "lectern/error.h"
#include "server/openai/chat_completion.h"
#include "server/openai/chat_request.h"
#include "server/page_files.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

constexpr int retry_seconds = 5;
constexpr std::string_view models_path = "/v1/models/";

struct Route {
  std::string_view path, methods;  // with ", " between
};
constexpr Route page_route = {"/page", "GET"};  // "/", and the files of the page
constexpr std::array<Route, 5> routes = {{{"/health/live", "GET"},
                                          {"/health/ready", "GET"},
                                          {"/metrics", "GET"},
                                          {"/v1/models", "GET"},
                                          {"/v1/chat/completions", "POST"}}};

// The route that a path belongs to; nothing for none.
std::optional<Route> route_of(std::string_view path) {
  constexpr Route models = routes[3];
  if (is_page_path(path)) return page_route;
  if (path.starts_with(models_path) && path.size() > models_path.size()) return models;
  if (const std::optional<DocumentRoute> route = document_route(path)) return Route{route->label, route->methods};
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

bool needs_no_key(std::string_view path) { return path.starts_with("/health/") || is_page_path(path); }

HttpResponse page_response(const HttpRequest& request) {
  const PageFile* const file = find_page_file(request.path);
  if (file == nullptr) throw ApiError(404, "there is nothing at this path", "", "not_found");
  return page_file_response(*file, request.if_none_match);
}

ServerOptions checked(ServerOptions options) {
  check_options(options);
  return options;
}

int64_t seconds_since_1970() { return static_cast<int64_t>(std::time(nullptr)); }

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

Server::Server(ServerOptions options, std::vector<std::unique_ptr<ServedModel>> models)
    : options_(checked(std::move(options))),
      hosts_(options_.host_names),
      started_(seconds_since_1970()),
      models_(std::move(models)),
      feed_(options_.feed, [this](double seconds) { metrics_.waited(seconds); }),
      documents_(make_documents()),
      http_(options_.host, options_.port, options_.http, *this) {}

Server::~Server() { http_.stop(); }

std::unique_ptr<Documents> Server::make_documents() {
  if (options_.documents.folder.empty()) return nullptr;
  const auto model = [this](const std::string& name) {
    return std::shared_ptr<ServedModel>(std::shared_ptr<ServedModel>(), find_model(name));  // this server has it
  };
  return std::make_unique<Documents>(
      options_.documents, feed_, model, [this](const PageAnswer& page) { metrics_.page(page); },
      options_.feed.max_pixels);
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
  if (!hosts_.allows_host(request.host)) {
    throw ApiError(421, "Host: this server does not go by that name; it must be told of it", "", "unknown_host");
  }
  if (!HostCheck::allows_origin(request.origin, request.host)) {
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

std::optional<HttpResponse> Server::refuse(const HttpRequest& request) {
  try {
    check_access(request);
    return std::nullopt;
  } catch (const ApiError& error) {
    HttpResponse response = error_response(error);
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

ServedModel* Server::find_model(const std::string& name) const {
  if (name.empty()) return models_.front().get();
  const auto found =
      std::ranges::find(models_, name, [](const auto& model) -> const std::string& { return model->name(); });
  return found == models_.end() ? nullptr : found->get();
}

HttpResponse Server::answer(const HttpRequest& request) const {
  if (request.path == "/health/live") return {.body = R"({"status":"live"})"};
  if (request.path == "/health/ready") {
    if (draining_) return {.status = 503, .body = R"({"status":"draining"})"};
    return {.body = R"({"status":"ready"})"};
  }
  if (request.path == "/metrics") {
    return {.type = Metrics::type,
            .body = metrics_.text({.waiting = feed_.waiting(), .reading = feed_.reading(), .draining = draining_})};
  }
  const auto entry = [&](const ServedModel& model) {
    return ordered_json{{"id", model.name()}, {"object", "model"}, {"created", started_}, {"owned_by", "lectern"}};
  };
  ordered_json body;
  if (request.path.starts_with(models_path)) {
    const std::string name = request.path.substr(models_path.size());
    const ServedModel* const model = find_model(name);
    if (model == nullptr)
      throw ApiError(404, fmt::format("there is no model '{}' here", name), "model", "model_not_found");
    body = entry(*model);
  } else {
    ordered_json list = ordered_json::array();
    for (const auto& model : models_) list.push_back(entry(*model));
    body = {{"object", "list"}, {"data", std::move(list)}};
  }
  return {.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

void Server::handle(const std::shared_ptr<HttpExchange>& exchange) {
  try {
    const HttpRequest& request = exchange->request();
    if (documents_ && is_document(request.path)) {
      return documents_->handle(exchange, options_.keys.owner(request.authorization));
    }
    if (is_page_path(request.path)) return exchange->respond(page_response(request));
    if (request.method == "POST") return chat(exchange);
    exchange->respond(answer(exchange->request()));
  } catch (const ApiError& error) {
    exchange->respond(error_response(error));
  } catch (const std::exception&) {
    exchange->respond(error_response(ApiError(503, "not enough memory now", "", "busy").after(retry_seconds)));
  }
}

// A body of megabytes is parsed on a thread of the feed's.
void Server::chat(const std::shared_ptr<HttpExchange>& exchange) {
  feed_.run([this, exchange] {
    try {
      begin_chat(exchange);
    } catch (const ApiError& error) {
      exchange->respond(error_response(error));
    } catch (const std::bad_alloc&) {
      exchange->respond(error_response(ApiError(503, "not enough memory now", "", "busy").after(retry_seconds)));
    } catch (const std::exception&) {
      exchange->respond(error_response(ApiError(500, "the server failed at this request", "", "internal")));
    }
  });
}

void Server::begin_chat(const std::shared_ptr<HttpExchange>& exchange) {
  ChatRequest request =
      parse_chat_request(exchange->body(), [&](const std::string& name) { return find_model(name) != nullptr; });
  exchange->drop_body();
  ServedModel& model = *find_model(request.model);
  const auto completion = std::make_shared<ChatCompletion>(exchange, std::move(request), model,
                                                           [this](const PageAnswer& page) { metrics_.page(page); });
  completion->start(feed_);
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
