#include "server/openai/openai_api.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <utility>

#include "server/json_line.h"
#include "server/openai/api_error.h"
#include "server/openai/chat/chat_answer.h"
#include "server/openai/chat/chat_request.h"
#include "server/openai/picture_answer.h"
#include "server/openai/responses/responses_answer.h"
#include "server/openai/responses/responses_request.h"
#include "server/openai/unknown_model.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

int64_t seconds_since_1970() { return static_cast<int64_t>(std::time(nullptr)); }

ordered_json entry_of(const ModelSource& source, int64_t created) {
  return {
      {"id", source.name},
      {"object", "model"},
      {"created", created},
      {"owned_by", "lectern"},
      {"lectern", {{"modes", source.modes}, {"prompts", source.prompts}, {"pages_together", source.pages_together}}}};
}

}  // namespace

// A request on its way to its pages.
struct OpenAiApi::Asked {
  std::shared_ptr<HttpExchange> exchange;
  std::string client;
  PictureRequest request;
  std::unique_ptr<AnswerForm> form;
  std::stop_source gone;  // stopped when the client hangs up
};

OpenAiApi::OpenAiApi(ModelShelf& shelf, PageFeed& feed, UrlFetcher& fetcher)
    : shelf_(shelf), feed_(feed), fetcher_(fetcher), started_(seconds_since_1970()) {}

HttpResponse OpenAiApi::models() const {
  ordered_json list = ordered_json::array();
  for (const ModelSource& source : shelf_.sources()) list.push_back(entry_of(source, started_));
  return {.body = one_line({{"object", "list"}, {"data", std::move(list)}})};
}

HttpResponse OpenAiApi::model(const std::string& name) const {
  const ModelSource* const source = shelf_.find(name);
  if (source == nullptr) throw unknown_model(name);
  return {.body = one_line(entry_of(*source, started_))};
}

RequestRules OpenAiApi::rules() const {
  RequestRules rules;
  rules.has_model = [this](const std::string& name) { return shelf_.find(name) != nullptr; };
  if (fetcher_.is_used()) {
    rules.check_url = [this](const std::string& url, const std::string& param) { fetcher_.check(url, param); };
  }
  return rules;
}

// Parses the body, which may have megabytes, on a thread of the feed.
void OpenAiApi::chat(const std::shared_ptr<HttpExchange>& exchange, const std::string& client) {
  feed_.run([this, exchange, client] {
    answer_or_refuse(exchange, [&] {
      ChatRequest request = parse_chat_request(exchange->body(), rules());
      exchange->drop_body();
      const ChatHead head = {"chatcmpl-" + exchange->request().id, seconds_since_1970(),
                             shelf_.find(request.model)->name};
      auto form = chat_form(head, request.options.logprobs, request.include_usage);
      fetch_pictures(std::make_shared<Asked>(Asked{exchange, client, std::move(request), std::move(form), {}}));
    });
  });
}

void OpenAiApi::responses(const std::shared_ptr<HttpExchange>& exchange, const std::string& client) {
  feed_.run([this, exchange, client] {
    answer_or_refuse(exchange, [&] {
      ResponsesRequest request = parse_responses_request(exchange->body(), rules());
      exchange->drop_body();
      auto form = responses_form({exchange->request().id, seconds_since_1970(), shelf_.find(request.model)->name,
                                  request.options, std::move(request.metadata)});
      fetch_pictures(std::make_shared<Asked>(Asked{exchange, client, std::move(request), std::move(form), {}}));
    });
  });
}

// Fetches the pictures that were given by URL, on a thread of the fetcher.
void OpenAiApi::fetch_pictures(const std::shared_ptr<Asked>& asked) {
  const auto is_remote = [](const RequestPicture& picture) { return !picture.url.empty(); };
  if (std::ranges::none_of(asked->request.pictures, is_remote)) return read(asked);
  asked->exchange->when_gone([weak = std::weak_ptr(asked)] {
    if (const auto self = weak.lock()) self->gone.request_stop();
  });
  const bool taken = fetcher_.run([this, asked] {
    answer_or_refuse(asked->exchange, [&] {
      for (RequestPicture& picture : asked->request.pictures) {
        if (picture.url.empty()) continue;
        picture.bytes = fetcher_.get(picture.url, picture.param, asked->gone.get_token());
      }
      read(asked);
    });
  });
  if (!taken) {
    throw ApiError(429, "too many pictures wait to be fetched; try again later", "", "queue_full").after(retry_seconds);
  }
}

void OpenAiApi::read(const std::shared_ptr<Asked>& asked) {
  shelf_.with(*shelf_.find(asked->request.model), [this, asked](ModelLease model, const std::exception_ptr& failure) {
    answer_or_refuse(asked->exchange, [&] {
      if (failure) {
        throw ApiError(503, "model: cannot be loaded now; the server's log says why", "model", "model_not_loaded")
            .after(retry_seconds);
      }
      const auto answer = std::make_shared<PictureAnswer>(asked->exchange, std::move(asked->request), std::move(model),
                                                          std::move(asked->form), asked->client);
      answer->start(feed_);
    });
  });
}

}  // namespace lectern::server
