#include "server/openai/picture_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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
      client_(std::move(client)) {}

void PictureAnswer::start(PageFeed& feed) {
  try {
    model_->check(request_.options);
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "", "unsupported_option");
  }
  feed_ = &feed;
  std::vector<PageOrder> orders;
  const auto together = static_cast<size_t>(request_.options.pages_together);
  for (size_t i = 0; i < request_.pictures.size(); ++i) {
    RequestPicture& picture = request_.pictures[i];
    if (i % together == 0) {
      orders.push_back({.client = client_,
                        .pictures = {},
                        .model = model_,
                        .options = request_.options,
                        .tell = [self = shared_from_this(), index = orders.size()](PageNews news) {
                          self->take(index, std::move(news));
                        }});
      pages_.emplace_back().param = picture.param;
    }
    orders.back().pictures.push_back({.name = std::move(picture.param), .bytes = std::move(picture.bytes)});
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
    AskedPages& page = pages_[index];
    page.begun = true;
    switch (news.kind) {
      case PageNews::Kind::begun:
        if (!ended_ && request_.stream) tell_price(index, news);
        break;
      case PageNews::Kind::token: break;
      case PageNews::Kind::text:
        page.raw.resize(std::min(news.keep, page.raw.size()));
        page.raw += news.more;
        page.text = request_.skip_special_tokens ? without_special_tokens(page.raw, true) : page.raw;
        break;
      case PageNews::Kind::finished: take_answers(page, std::move(news)); break;
      case PageNews::Kind::failed:
        if (!ended_) fail(page, news);
        cancel_others = true;
    }
    if (!ended_ && request_.stream) stream();
    if (!ended_ && std::ranges::all_of(pages_, &AskedPages::finished)) finish();
  }
  if (cancel_others) cancel();
}

void PictureAnswer::take_answers(AskedPages& pages, PageNews news) const {
  pages.answers.push_back(std::move(news.answer));
  for (FurtherAnswer& further : news.further) pages.answers.push_back(std::move(further.answer));
  std::string& text = pages.answers.front().text;
  if (request_.skip_special_tokens) text = without_special_tokens(text, false);
  pages.text = text;
  pages.finished = true;
}

// Announces a picture that takes long before it is encoded.
void PictureAnswer::tell_price(size_t index, const PageNews& news) {
  if (news.price.seconds <= 0) return;
  begin_stream();
  exchange_->write(form_->price(index * static_cast<size_t>(request_.options.pages_together), news.price));
}

void PictureAnswer::fail(const AskedPages& page, const PageNews& news) {
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

// Streams the text of pages in order, up to the text so far of the first unfinished one.
void PictureAnswer::stream() {
  std::string more;
  while (sent_page_ < pages_.size() && pages_[sent_page_].begun) {
    const AskedPages& page = pages_[sent_page_];
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
  WholeAnswer whole;
  for (AskedPages& pages : pages_) {
    if (&pages != &pages_.front()) whole.text += page_split;
    whole.text += pages.text;
    std::ranges::move(pages.answers, std::back_inserter(whole.pages));
  }
  if (!request_.stream) return exchange_->respond({.body = form_->whole(whole)});
  exchange_->write(form_->end(whole));
  exchange_->end();
}

}  // namespace lectern::server
