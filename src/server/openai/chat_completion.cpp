#include "server/openai/chat_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "layout/raw_pages.h"
#include "lectern/error.h"
#include "server/http/event_stream.h"

namespace lectern::server {
namespace {

constexpr int retry_seconds = 5;

int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

ChatCompletion::ChatCompletion(std::shared_ptr<HttpExchange> exchange, ChatRequest request, ServedModel& model,
                               std::function<void(const PageAnswer&)> read)
    : exchange_(std::move(exchange)),
      request_(std::move(request)),
      model_(model),
      read_(std::move(read)),
      head_{"chatcmpl-" + exchange_->request().id, seconds_since_1970(), model.name()},
      pages_(request_.pictures.size()) {}

void ChatCompletion::start(PageFeed& feed) {
  try {
    model_.check(request_.options);
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "", "unsupported_option");
  }
  feed_ = &feed;
  std::vector<PageOrder> orders;
  for (size_t i = 0; i < pages_.size(); ++i) {
    ChatPicture& picture = request_.pictures[i];
    orders.push_back({.client = exchange_->request().client,
                      .name = std::move(picture.param),
                      .bytes = std::move(picture.bytes),
                      .model = &model_,
                      .options = request_.options,
                      .tell = [self = shared_from_this(), i](PageNews news) { self->take(i, std::move(news)); }});
  }
  request_.pictures.clear();
  std::optional<std::vector<PageId>> ids = feed.add(std::move(orders));
  if (!ids) {
    throw ApiError(429, "too many pages wait to be read; try again later", "", "queue_full").after(retry_seconds);
  }
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    ids_ = std::move(*ids);
    cancelled = ended_;  // a page has failed already
  }
  exchange_->when_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel();
  });
  if (cancelled) cancel();
}

void ChatCompletion::cancel() {
  std::vector<PageId> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = ids_;
  }
  for (const PageId id : ids) feed_->cancel(id);
}

void ChatCompletion::take(size_t index, PageNews news) {
  bool cancel_others = false;
  {
    const std::lock_guard lock(mutex_);
    Page& page = pages_[index];
    page.begun = true;
    switch (news.kind) {
      case PageNews::Kind::begun:
      case PageNews::Kind::token: break;
      case PageNews::Kind::text:
        page.text.resize(std::min(news.keep, page.text.size()));
        page.text += news.more;
        break;
      case PageNews::Kind::finished:
        page.answer = std::move(news.answer);
        page.text = page.answer.text;
        page.finished = true;
        read_(page.answer);
        break;
      case PageNews::Kind::failed:
        if (!ended_) fail(news);
        cancel_others = true;
    }
    if (!ended_ && request_.stream) stream();
    if (!ended_ && std::ranges::all_of(pages_, &Page::finished)) finish();
  }
  if (cancel_others) cancel();
}

void ChatCompletion::fail(const PageNews& news) {
  ended_ = true;
  const ApiError error(news.status, news.error, news.status < 500 ? "messages" : "",
                       news.status < 500 ? "invalid_image" : "page_failed");
  if (!streams_) return exchange_->respond({.status = error.status, .body = error_json(error)});
  send(error_json(error));
  exchange_->end();
}

void ChatCompletion::send(std::string_view data) { exchange_->write(sent_event(data)); }

void ChatCompletion::begin_stream() {
  if (std::exchange(streams_, true)) return;
  exchange_->begin({.type = event_stream_type,
                    .body = sent_event(chat_role_chunk(head_, request_.include_usage)),
                    .headers = {{"X-Accel-Buffering", "no"}}});
}

// Text of pages in their order: of the first that is not finished, what is there of it.
void ChatCompletion::stream() {
  std::string more;
  while (sent_page_ < pages_.size() && pages_[sent_page_].begun) {
    const Page& page = pages_[sent_page_];
    if (page.text.size() > sent_bytes_) more += std::string_view(page.text).substr(sent_bytes_);
    sent_bytes_ = std::max(sent_bytes_, page.text.size());
    if (!page.finished) break;
    sent_bytes_ = 0;
    if (++sent_page_ < pages_.size()) more += page_split;
  }
  if (pages_.front().begun) begin_stream();
  if (!more.empty()) send(chat_text_chunk(head_, more, request_.include_usage));
}

void ChatCompletion::finish() {
  ended_ = true;
  std::vector<PageAnswer> answers;
  for (Page& page : pages_) answers.push_back(std::move(page.answer));
  if (!request_.stream) return exchange_->respond({.body = chat_completion(head_, answers, request_.options.logprobs)});
  send(chat_end_chunk(head_, answers, request_.options.logprobs, request_.include_usage));
  if (request_.include_usage) send(chat_usage_chunk(head_, answers));
  send(chat_done);
  exchange_->end();
}

}  // namespace lectern::server
