#include "server/openai/answer_json.h"

#include <utility>

#include "core/utf8.h"
#include "server/openai/answer_form.h"

namespace lectern::server {

using nlohmann::ordered_json;

ordered_json token_list(const std::vector<PageAnswer>& pages) {
  ordered_json list = ordered_json::array();
  for (const PageAnswer& page : pages) {
    for (const auto& [bytes, logprob] : page.written) {
      ordered_json numbers = ordered_json::array();
      for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
      std::string text;
      if (append_utf8(bytes, text) < bytes.size()) text += replacement_character;
      list.push_back({{"token", text},
                      {"logprob", logprob},
                      {"bytes", std::move(numbers)},
                      {"top_logprobs", ordered_json::array()}});
    }
  }
  return list;
}

ordered_json own_part(const std::vector<PageAnswer>& pages) {
  ordered_json list = ordered_json::array();
  for (const PageAnswer& page : pages) {
    ordered_json warnings = ordered_json::array();
    for (const PageWarning& warning : page.warnings) {
      warnings.push_back({{"code", warning.code}, {"message", warning.message}});
    }
    list.push_back({{"finish", page.finish},
                    {"mode", page.mode},
                    {"views", page.views},
                    {"encode_seconds", page.encode_seconds},
                    {"prompt_tokens", page.prompt_tokens},
                    {"completion_tokens", page.tokens},
                    {"warnings", std::move(warnings)}});
  }
  return {{"finish", finish_of(pages)}, {"pages", std::move(list)}};
}

ordered_json expected_part(size_t picture, const PagePrice& price) {
  ordered_json expected = {{"picture", picture}};
  expected.update(price_to_json(price));
  return {{"expected", std::move(expected)}};
}

TokenCounts tokens_of(const std::vector<PageAnswer>& pages) {
  TokenCounts sum;
  for (const PageAnswer& page : pages) {
    sum.prompt += page.prompt_tokens;
    sum.written += page.tokens;
  }
  return sum;
}

}  // namespace lectern::server
