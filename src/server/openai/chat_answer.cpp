#include "server/openai/chat_answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/utf8.h"
#include "layout/raw_pages.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

std::string one_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// The finish of the whole is that of the first page that is not complete.
std::string finish_of(const std::vector<PageAnswer>& pages) {
  const auto cut =
      std::ranges::find_if(pages, [](const PageAnswer& page) { return finish_reason(page.finish) != "stop"; });
  return cut == pages.end() ? pages.back().finish : cut->finish;
}

ordered_json usage_of(const std::vector<PageAnswer>& pages) {
  int64_t prompt = 0, written = 0;
  for (const PageAnswer& page : pages) {
    prompt += page.prompt_tokens;
    written += page.tokens;
  }
  return {{"prompt_tokens", prompt}, {"completion_tokens", written}, {"total_tokens", prompt + written}};
}

ordered_json logprobs_of(const std::vector<PageAnswer>& pages) {
  ordered_json content = ordered_json::array();
  for (const PageAnswer& page : pages) {
    for (const auto& [bytes, logprob] : page.written) {
      ordered_json numbers = ordered_json::array();
      for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
      std::string text;
      if (append_utf8(bytes, text) < bytes.size()) text += replacement_character;
      content.push_back({{"token", text},
                         {"logprob", logprob},
                         {"bytes", std::move(numbers)},
                         {"top_logprobs", ordered_json::array()}});
    }
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

// What OpenAI's form has no place for.
ordered_json own_part(const std::vector<PageAnswer>& pages) {
  ordered_json list = ordered_json::array();
  for (const PageAnswer& page : pages) {
    ordered_json warnings = ordered_json::array();
    for (const PageWarning& warning : page.warnings) {
      warnings.push_back({{"code", warning.code}, {"message", warning.message}});
    }
    list.push_back({{"finish", page.finish},
                    {"mode", page.mode},
                    {"prompt_tokens", page.prompt_tokens},
                    {"completion_tokens", page.tokens},
                    {"warnings", std::move(warnings)}});
  }
  return {{"finish", finish_of(pages)}, {"pages", std::move(list)}};
}

ordered_json chunk(const ChatHead& head, ordered_json choices, bool with_usage) {
  ordered_json made = {{"id", head.id},
                       {"object", "chat.completion.chunk"},
                       {"created", head.created},
                       {"model", head.model},
                       {"choices", std::move(choices)}};
  if (with_usage) made["usage"] = nullptr;
  return made;
}

ordered_json choice(ordered_json delta) {
  return ordered_json::array(
      {{{"index", 0}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", nullptr}}});
}

}  // namespace

std::string finish_reason(std::string_view finish) {
  return finish == "end" || finish == "stop_string" || finish == "blank" ? "stop" : "length";
}

std::string chat_completion(const ChatHead& head, const std::vector<PageAnswer>& pages, bool logprobs) {
  std::string content;
  for (size_t i = 0; i < pages.size(); ++i) {
    if (i > 0) content += page_split;
    content += pages[i].text;
  }
  const ordered_json message = {{"role", "assistant"}, {"content", std::move(content)}, {"refusal", nullptr}};
  const ordered_json choices = ordered_json::array({{{"index", 0},
                                                     {"message", message},
                                                     {"logprobs", logprobs ? logprobs_of(pages) : ordered_json()},
                                                     {"finish_reason", finish_reason(finish_of(pages))}}});
  return one_line({{"id", head.id},
                   {"object", "chat.completion"},
                   {"created", head.created},
                   {"model", head.model},
                   {"choices", choices},
                   {"usage", usage_of(pages)},
                   {"lectern", own_part(pages)}});
}

std::string chat_role_chunk(const ChatHead& head, bool with_usage) {
  return one_line(chunk(head, choice({{"role", "assistant"}, {"content", ""}}), with_usage));
}

std::string chat_text_chunk(const ChatHead& head, std::string_view text, bool with_usage) {
  return one_line(chunk(head, choice({{"content", text}}), with_usage));
}

std::string chat_end_chunk(const ChatHead& head, const std::vector<PageAnswer>& pages, bool logprobs, bool with_usage) {
  ordered_json choices = choice(ordered_json::object());
  if (logprobs) choices[0]["logprobs"] = logprobs_of(pages);
  choices[0]["finish_reason"] = finish_reason(finish_of(pages));
  ordered_json made = chunk(head, std::move(choices), with_usage);
  made["lectern"] = own_part(pages);
  return one_line(made);
}

std::string chat_usage_chunk(const ChatHead& head, const std::vector<PageAnswer>& pages) {
  ordered_json made = chunk(head, ordered_json::array(), false);
  made["usage"] = usage_of(pages);
  return one_line(made);
}

}  // namespace lectern::server
