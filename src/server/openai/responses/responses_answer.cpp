#include "server/openai/responses/responses_answer.h"

#include <utility>

#include "server/http/event_stream.h"
#include "server/json_line.h"
#include "server/openai/answer_json.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

class ResponsesForm final : public AnswerForm {
 public:
  explicit ResponsesForm(ResponseHead head) : head_(std::move(head)) {}

  std::string whole(const WholeAnswer& answer) override { return one_line(finished(answer)); }

  std::string begin() override {
    const ordered_json response = state("in_progress");
    std::string events = event("response.created", {{"response", response}});
    events += event("response.in_progress", {{"response", response}});
    events += event("response.output_item.added", {{"output_index", 0}, {"item", message("in_progress", nullptr)}});
    events += part_event("response.content_part.added", {{"part", part("", ordered_json::array())}});
    return events;
  }

  std::string text(std::string_view more) override {
    return part_event("response.output_text.delta", {{"delta", more}, {"logprobs", ordered_json::array()}});
  }

  // A delta without text: clients that know nothing of "lectern" add nothing.
  std::string price(size_t picture, const PagePrice& price) override {
    return part_event("response.output_text.delta",
                      {{"delta", ""}, {"logprobs", ordered_json::array()}, {"lectern", expected_part(picture, price)}});
  }

  std::string end(const WholeAnswer& answer) override {
    const ordered_json tokens = token_list(answer.pages), whole = part(answer.text, tokens);
    const ordered_json response = finished(answer);
    std::string events = part_event("response.output_text.done", {{"text", answer.text}, {"logprobs", tokens}});
    events += part_event("response.content_part.done", {{"part", whole}});
    events += event("response.output_item.done", {{"output_index", 0}, {"item", response["output"][0]}});
    events += event("response." + response["status"].get<std::string>(), {{"response", response}});
    return events;
  }

  std::string failure(const ApiError& error) override {
    ordered_json response = state("failed");
    response["error"] = {{"code", "server_error"}, {"message", error.what()}};
    return event("response.failed", {{"response", std::move(response)}});
  }

 private:
  std::string event(const std::string& type, const ordered_json& fields) {
    ordered_json made = {{"type", type}, {"sequence_number", next_number_++}};
    made.update(fields);
    return sent_event(one_line(made), type);
  }
  std::string part_event(const std::string& type, const ordered_json& fields) {
    ordered_json made = {{"item_id", "msg_" + head_.id}, {"output_index", 0}, {"content_index", 0}};
    made.update(fields);
    return event(type, made);
  }

  static ordered_json part(const std::string& text, const ordered_json& tokens) {
    return {{"type", "output_text"}, {"annotations", ordered_json::array()}, {"logprobs", tokens}, {"text", text}};
  }

  // `content`: its only part; null: none yet.
  ordered_json message(const std::string& status, const ordered_json& content) const {
    return {{"id", "msg_" + head_.id},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", content.is_null() ? ordered_json::array() : ordered_json::array({content})}};
  }

  // Without output.
  ordered_json state(const std::string& status) const {
    const PageOptions& options = head_.options;
    return {{"id", "resp_" + head_.id},
            {"object", "response"},
            {"created_at", head_.created},
            {"status", status},
            {"background", false},
            {"error", nullptr},
            {"incomplete_details", nullptr},
            {"instructions", nullptr},
            {"max_output_tokens", options.max_tokens > 0 ? ordered_json(options.max_tokens) : ordered_json()},
            {"model", head_.model},
            {"output", ordered_json::array()},
            {"parallel_tool_calls", true},
            {"previous_response_id", nullptr},
            {"store", false},
            {"temperature", options.temperature},
            {"text", {{"format", {{"type", "text"}}}}},
            {"tool_choice", "auto"},
            {"tools", ordered_json::array()},
            {"top_logprobs", 0},
            {"top_p", options.top_p},
            {"truncation", "disabled"},
            {"usage", nullptr},
            {"metadata", head_.metadata.is_null() ? ordered_json::object() : ordered_json(head_.metadata)}};
  }

  ordered_json finished(const WholeAnswer& answer) const {
    const std::vector<PageAnswer>& pages = answer.pages;
    const std::string finish = finish_of(pages);
    const bool complete = is_complete(finish);
    const std::string status = complete ? "completed" : "incomplete";
    ordered_json response = state(status);
    // OpenAI's clients know this reason for text that is missing; "lectern" has ours.
    if (!complete) response["incomplete_details"] = {{"reason", "max_output_tokens"}};
    response["output"].push_back(message(status, part(answer.text, token_list(pages))));
    const TokenCounts tokens = tokens_of(pages);
    response["usage"] = {{"input_tokens", tokens.prompt},
                         {"input_tokens_details", {{"cached_tokens", 0}}},
                         {"output_tokens", tokens.written},
                         {"output_tokens_details", {{"reasoning_tokens", 0}}},
                         {"total_tokens", tokens.prompt + tokens.written}};
    response["lectern"] = own_part(pages);
    return response;
  }

  const ResponseHead head_;
  int64_t next_number_ = 0;
};

}  // namespace

std::unique_ptr<AnswerForm> responses_form(ResponseHead head) {
  return std::make_unique<ResponsesForm>(std::move(head));
}

}  // namespace lectern::server
