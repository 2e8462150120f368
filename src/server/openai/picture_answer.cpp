#include "server/openai/picture_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "layout/raw_pages.h"
#include "lectern/error.h"
#include "server/http/event_stream.h"
#include "server/openai/special_tokens.h"

namespace lectern::server {

PictureAnswer::PictureAnswer(std::shared_ptr<HttpExchange> exchange, PictureRequest request, ModelLease model,
                             std::unique_ptr<AnswerForm> form, std::string client)
    : exchange_(std::move(exchange)),
      request_(std::move(request)),
      model_(std::move(model)),
      form_(std::move(form)),
      client_(std::move(client)),
      pages_(request_.pictures.size()) {}

void PictureAnswer::start(PageFeed& feed) {
  try {
    model_->check(request_.options);
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "", "unsupported_option");
  }
  feed_ = &feed;
  std::vector<PageOrder> orders;
  for (size_t i = 0; i < pages_.size(); ++i) {
    RequestPicture& picture = request_.pictures[i];
    pages_[i].param = picture.param;
    orders.push_back({.client = client_,
                      .name = std::move(picture.param),
                      .bytes = std::move(picture.bytes),
                      .model = model_,
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

void PictureAnswer::cancel() {
  std::vector<PageId> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = ids_;
  }
  for (const PageId id : ids) feed_->cancel(id);
}

void PictureAnswer::take(size_t index, PageNews news) {
  bool cancel_others = false;
  {
    const std::lock_guard lock(mutex_);
    AskedPage& page = pages_[index];
    page.begun = true;
    switch (news.kind) {
      case PageNews::Kind::begun:
      case PageNews::Kind::token: break;
      case PageNews::Kind::text:
        page.raw.resize(std::min(news.keep, page.raw.size()));
        page.raw += news.more;
        page.text = request_.skip_special_tokens ? without_special_tokens(page.raw, true) : page.raw;
        break;
      case PageNews::Kind::finished:
        page.answer = std::move(news.answer);
        if (request_.skip_special_tokens) page.answer.text = without_special_tokens(page.answer.text, false);
        page.text = page.answer.text;
        page.finished = true;
        break;
      case PageNews::Kind::failed:
        if (!ended_) fail(page, news);
        cancel_others = true;
    }
    if (!ended_ && request_.stream) stream();
    if (!ended_ && std::ranges::all_of(pages_, &AskedPage::finished)) finish();
  }
  if (cancel_others) cancel();
}

void PictureAnswer::fail(const AskedPage& page, const PageNews& news) {
  ended_ = true;
  const ApiError error(news.status, news.error, news.status < 500 ? page.param : "",
                       news.status < 500 ? "invalid_image" : "page_failed");
  if (!streams_) return exchange_->respond({.status = error.status, .body = error_json(error)});
  exchange_->write(form_->failure(error));
  exchange_->end();
}

void PictureAnswer::begin_stream() {
  if (std::exchange(streams_, true)) return;
  exchange_->begin({.type = event_stream_type, .body = form_->begin(), .headers = {{"X-Accel-Buffering", "no"}}});
}

// Text of pages in their order: of the first that is not finished, what is there of it.
void PictureAnswer::stream() {
  std::string more;
  while (sent_page_ < pages_.size() && pages_[sent_page_].begun) {
    const AskedPage& page = pages_[sent_page_];
    if (page.text.size() > sent_bytes_) more += std::string_view(page.text).substr(sent_bytes_);
    sent_bytes_ = std::max(sent_bytes_, page.text.size());
    if (!page.finished) break;
    sent_bytes_ = 0;
    if (++sent_page_ < pages_.size()) more += page_split;
  }
  if (pages_.front().begun) begin_stream();
  if (!more.empty()) exchange_->write(form_->text(more));
}

void PictureAnswer::finish() {
  ended_ = true;
  std::vector<PageAnswer> answers;
  for (AskedPage& page : pages_) answers.push_back(std::move(page.answer));
  if (!request_.stream) return exchange_->respond({.body = form_->whole(answers)});
  exchange_->write(form_->end(answers));
  exchange_->end();
}

}  // namespace lectern::server
