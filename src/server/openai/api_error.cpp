#include "server/openai/api_error.h"

#include <new>
#include <nlohmann/json.hpp>

#include "server/json_line.h"

namespace lectern::server {

using nlohmann::ordered_json;

std::string error_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

void refuse_field(const std::string& param, const std::string& problem, const std::string& code) {
  throw ApiError(400, param + ": " + problem, param, code);
}

std::string error_json(const ApiError& error) {
  const ordered_json body = {{"error",
                              {{"message", error.what()},
                               {"type", error_type(error.status)},
                               {"param", error.param.empty() ? ordered_json() : ordered_json(error.param)},
                               {"code", error.name.empty() ? ordered_json() : ordered_json(error.name)}}}};
  return one_line(body);
}

HttpResponse error_response(const ApiError& error) {
  HttpResponse response{.status = error.status, .body = error_json(error)};
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.retry_after) response.headers.emplace_back("Retry-After", std::to_string(*error.retry_after));
  return response;
}

ApiError refusal_of(const std::exception_ptr& caught) {
  try {
    std::rethrow_exception(caught);
  } catch (const ApiError& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return ApiError(503, "not enough memory now", "", "busy").after(retry_seconds);
  } catch (const std::exception&) {
    return {500, "the server failed at this request", "", "internal"};
  }
}

void answer_or_refuse(const std::shared_ptr<HttpExchange>& exchange, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception&) {
    exchange->respond(error_response(refusal_of(std::current_exception())));
  }
}

}  // namespace lectern::server
