#include "server/openai/chat/chat_answer.h"

#include <utility>

#include "server/http/event_stream.h"
#include "server/json_line.h"
#include "server/openai/answer_json.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

ordered_json usage_of(const std::vector<PageAnswer>& pages) {
  const TokenCounts sum = tokens_of(pages);
  return {
      {"prompt_tokens", sum.prompt}, {"completion_tokens", sum.written}, {"total_tokens", sum.prompt + sum.written}};
}

ordered_json logprobs_of(const std::vector<PageAnswer>& pages) {
  return {{"content", token_list(pages)}, {"refusal", nullptr}};
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

class ChatForm final : public AnswerForm {
 public:
  ChatForm(ChatHead head, bool logprobs, bool with_usage)
      : head_(std::move(head)), logprobs_(logprobs), with_usage_(with_usage) {}

  std::string whole(const WholeAnswer& answer) override { return chat_completion(head_, answer, logprobs_); }
  std::string begin() override { return sent_event(chat_role_chunk(head_, with_usage_)); }
  std::string text(std::string_view more) override { return sent_event(chat_text_chunk(head_, more, with_usage_)); }
  std::string price(size_t picture, const PagePrice& price) override {
    return sent_event(chat_price_chunk(head_, picture, price, with_usage_));
  }
  std::string end(const WholeAnswer& answer) override {
    std::string events = sent_event(chat_end_chunk(head_, answer.pages, logprobs_, with_usage_));
    if (with_usage_) events += sent_event(chat_usage_chunk(head_, answer.pages));
    return events + sent_event(chat_done);
  }
  std::string failure(const ApiError& error) override { return sent_event(error_json(error)); }

 private:
  const ChatHead head_;
  const bool logprobs_, with_usage_;
};

}  // namespace

std::string finish_reason(std::string_view finish) { return is_complete(finish) ? "stop" : "length"; }

std::unique_ptr<AnswerForm> chat_form(ChatHead head, bool logprobs, bool with_usage) {
  return std::make_unique<ChatForm>(std::move(head), logprobs, with_usage);
}

std::string chat_completion(const ChatHead& head, const WholeAnswer& answer, bool logprobs) {
  const std::vector<PageAnswer>& pages = answer.pages;
  const ordered_json message = {{"role", "assistant"}, {"content", answer.text}, {"refusal", nullptr}};
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

std::string chat_price_chunk(const ChatHead& head, size_t picture, const PagePrice& price, bool with_usage) {
  ordered_json made = chunk(head, choice(ordered_json::object()), with_usage);
  made["lectern"] = expected_part(picture, price);
  return one_line(made);
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
