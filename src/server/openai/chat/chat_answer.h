// Answers of POST /v1/chat/completions in OpenAI's form: whole, or as the events of a stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/openai/answer_form.h"

namespace lectern::server {

// Members that all objects of one answer have.
struct ChatHead {
  std::string id;       // "chatcmpl-..."
  int64_t created = 0;  // seconds since 1970
  std::string model;
};

// "stop" if the model came to its end or to a stop string; "length" if text is missing: the tokens or the context were
// used up, the model repeated itself to the end, or the page was cancelled.
std::string finish_reason(std::string_view finish);

// The form made of the functions below. `with_usage`: the client asked for the counts of a stream.
std::unique_ptr<AnswerForm> chat_form(ChatHead head, bool logprobs, bool with_usage);

std::string chat_completion(const ChatHead& head, const WholeAnswer& answer, bool logprobs);

// Data of events: first the role, then pieces of text and expected costs, at last the finish reason. `with_usage`: the
// counts come at the end and are null until then.
std::string chat_role_chunk(const ChatHead& head, bool with_usage);
std::string chat_text_chunk(const ChatHead& head, std::string_view text, bool with_usage);
std::string chat_price_chunk(const ChatHead& head, size_t picture, const PagePrice& price, bool with_usage);
std::string chat_end_chunk(const ChatHead& head, const std::vector<PageAnswer>& pages, bool logprobs, bool with_usage);
std::string chat_usage_chunk(const ChatHead& head, const std::vector<PageAnswer>& pages);
inline constexpr std::string_view chat_done = "[DONE]";

}  // namespace lectern::server
