// JSON that the answers of several calls have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/served_model.h"

namespace lectern::server {

// {"token", "logprob", "bytes", "top_logprobs"} for every token of all pages.
nlohmann::ordered_json token_list(const std::vector<PageAnswer>& pages);

// The member "lectern", with what OpenAI's form has no place for: {"finish", "pages": [{"finish", "mode", "views",
// "encode_seconds", "prompt_tokens", "completion_tokens", "warnings"}]}.
nlohmann::ordered_json own_part(const std::vector<PageAnswer>& pages);

// The member "lectern" of an event with the expected cost of a picture: {"expected": {"picture", "views",
// "encode_seconds"}}.
nlohmann::ordered_json expected_part(size_t picture, const PagePrice& price);

struct TokenCounts {
  int64_t prompt = 0, written = 0;
};
TokenCounts tokens_of(const std::vector<PageAnswer>& pages);

}  // namespace lectern::server
