// Answers of POST /v1/responses in OpenAI's form: a response with one message, or the events that make one.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "server/openai/answer_form.h"

namespace lectern::server {

// Members of a response that repeat its request.
struct ResponseHead {
  std::string id;       // hexadecimal digits, prefixed by "resp_" and "msg_"
  int64_t created = 0;  // seconds since 1970
  std::string model;
  PageOptions options;
  nlohmann::json metadata;  // null: none
};

std::unique_ptr<AnswerForm> responses_form(ResponseHead head);

}  // namespace lectern::server
