// Errors as OpenAI's clients expect them: {"error": {"message", "type", "param", "code"}}.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lectern/error.h"
#include "server/http/http.h"

namespace lectern::server {

// Thrown while a request is parsed and checked, and caught in this room.
class ApiError : public Error {
 public:
  ApiError(int http_status, const std::string& message, std::string parameter = "", std::string error_code = "")
      : Error(message), status(http_status), param(std::move(parameter)), name(std::move(error_code)) {}

  ApiError after(int seconds) && {
    retry_after = seconds;
    return std::move(*this);
  }

  int status;                      // of HTTP
  std::string param;               // the field of the request; empty: none
  std::string name;                // e.g. "model_not_found"; empty: none
  std::optional<int> retry_after;  // seconds
};

// Throws ApiError 400 for a field.
[[noreturn]] void refuse_field(const std::string& param, const std::string& problem, const std::string& code);

// "invalid_request_error", "authentication_error", "rate_limit_error", "server_error" ...
std::string error_type(int status);

// Body of the response, in one line.
std::string error_json(const ApiError& error);
// The whole response.
HttpResponse error_response(const ApiError& error);

// Runs `work`; what it throws becomes the response of the exchange.
void answer_or_refuse(const std::shared_ptr<HttpExchange>& exchange, const std::function<void()>& work);
// The response to a caught exception.
ApiError refusal_of(const std::exception_ptr& caught);

// Seconds in the header Retry-After.
inline constexpr int retry_seconds = 5;

}  // namespace lectern::server
