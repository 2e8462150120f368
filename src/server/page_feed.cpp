#include "server/page_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "core/files/file_kind.h"
#include "image/ink.h"
#include "input/first_page.h"
#include "input/image_parts.h"
#include "lectern/error.h"

namespace lectern::server {
namespace {

PageNews failure(int status, std::string why) {
  PageNews news;
  news.kind = PageNews::Kind::failed;
  news.status = status;
  news.error = std::move(why);
  return news;
}

PageNews blank_page() {
  PageNews news;
  news.kind = PageNews::Kind::finished;
  news.answer.finish = "blank";
  return news;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool is_last(const PageNews& news) {
  return news.kind == PageNews::Kind::finished || news.kind == PageNews::Kind::failed;
}

// Decoded pictures of an order, without the blank ones.
struct Decoded {
  std::vector<Image> images;
  std::vector<size_t> places;  // of the images, among the pictures
  size_t bytes = 0;
};

// Answers for all pictures, made of the model's for those that are not blank.
PageNews with_blank_ones(PageNews news, const std::vector<size_t>& places, size_t pictures) {
  if (news.kind != PageNews::Kind::finished || places.size() == pictures) return news;
  const PageNews blank = blank_page();
  std::vector<FurtherAnswer> all(pictures, FurtherAnswer{blank.answer, nullptr});
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == 0) {
      all[places[i]] = {std::move(news.answer), news.page};
    } else if (i <= news.further.size()) {
      all[places[i]] = std::move(news.further[i - 1]);
    }
  }
  // The first has the text of all.
  if (!places.empty() && places.front() > 0) std::swap(all.front().answer.text, all[places.front()].answer.text);
  news.answer = std::move(all.front().answer);
  news.page = all.front().page;
  all.erase(all.begin());
  news.further = std::move(all);
  return news;
}

// 422 for a broken picture, 415 for a file that is not a picture.
int status_of(const std::string& bytes) {
  const FileKind kind = kind_of_bytes(std::string_view(bytes).substr(0, 4096));
  return kind == FileKind::png || kind == FileKind::picture ? 422 : 415;
}

Image decoded(const OrderedPicture& ordered, int64_t max_pixels) {
  PictureLimits limits;
  limits.max_pixels = max_pixels;
  return first_page(InputFile::of_bytes(std::as_bytes(std::span(ordered.bytes)), ordered.name, "a picture"),
                    ordered.name, limits);
}

// Why an order cannot be read, with the HTTP status for it.
struct Refusal {
  int status = 500;
  std::string why;
};

// Takes the pictures out of the order. Throws Refusal.
Decoded take_pictures(PageOrder& order, const FeedLimits& limits) {
  Decoded decoded;
  for (size_t i = 0; i < order.pictures.size(); ++i) {
    OrderedPicture& ordered = order.pictures[i];
    const bool known = ordered.image.has_value();
    const int status = known ? 500 : status_of(ordered.bytes);
    try {
      Image image = known ? *std::exchange(ordered.image, std::nullopt) : server::decoded(ordered, limits.max_pixels);
      ordered.bytes = {};
      if (!known && is_blank(*picture_of(image))) continue;
      decoded.bytes += picture_of(image)->rgb.size();
      decoded.images.push_back(std::move(image));
      decoded.places.push_back(i);
    } catch (const std::bad_alloc&) {
      throw Refusal{503, ordered.name + ": there is not enough memory for this picture now"};
    } catch (const Error& error) {
      throw Refusal{status, error.what()};
    }
    if (i > 0 && decoded.bytes > limits.max_picture_bytes) {
      throw Refusal{422, fmt::format("{}: the pictures of one sequence have more than {} MiB of pixels; send smaller "
                                     "ones, or read fewer together",
                                     ordered.name, limits.max_picture_bytes >> 20)};
    }
  }
  return decoded;
}

}  // namespace

size_t PageOrder::bytes() const {
  size_t sum = 0;
  for (const OrderedPicture& picture : pictures) sum += picture.bytes.size();
  return sum;
}

PageFeed::PageFeed(const FeedLimits& limits, FeedEvents events) : limits_(limits), events_(std::move(events)) {
  for (int i = 0; i < std::max(1, limits_.threads); ++i) threads_.emplace_back([this] { work(); });
}

PageFeed::~PageFeed() {
  std::vector<std::function<void()>> cancels;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    works_.clear();
    waiting_.clear();
    turns_.clear();
    waiting_pages_ = waiting_bytes_ = 0;
    for (auto& [id, reading] : reading_) {
      reading.cancelled = true;
      if (reading.cancel) cancels.push_back(reading.cancel);
    }
  }
  news_.notify_all();
  for (const auto& cancel : cancels) cancel();
  for (std::thread& thread : threads_) thread.join();
  std::unique_lock lock(mutex_);
  news_.wait(lock, [&] { return reading_.empty() && telling_ == 0; });
}

std::optional<std::vector<PageId>> PageFeed::add(std::vector<PageOrder> orders) {
  std::vector<PageId> ids;
  {
    const std::lock_guard lock(mutex_);
    size_t bytes = 0, pages = 0;
    for (const PageOrder& order : orders) {
      bytes += order.bytes();
      pages += order.pictures.size();
    }
    if (closing_ || waiting_pages_ + pages > limits_.max_waiting ||
        waiting_bytes_ + bytes > limits_.max_waiting_bytes) {
      return std::nullopt;
    }
    for (PageOrder& order : orders) ids.push_back(queue(std::move(order)));
  }
  news_.notify_all();
  return ids;
}

PageId PageFeed::add_bounded(PageOrder order) {
  PageId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = queue(std::move(order));
  }
  news_.notify_all();
  return id;
}

// With the lock held.
PageId PageFeed::queue(PageOrder order) {
  waiting_pages_ += order.pictures.size();
  waiting_bytes_ += order.bytes();
  std::deque<QueuedPage>& pages = waiting_[order.client];
  if (pages.empty()) turns_.push_back(order.client);
  pages.push_back({++last_id_, std::move(order), std::chrono::steady_clock::now()});
  return last_id_;
}

void PageFeed::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    works_.push_back(std::move(work));
  }
  news_.notify_all();
}

bool PageFeed::cancel(PageId id) {
  std::function<void()> cancel;
  QueuedPage dropped;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    for (auto place = waiting_.begin(); place != waiting_.end(); ++place) {
      std::deque<QueuedPage>& pages = place->second;
      const auto found = std::ranges::find(pages, id, &QueuedPage::id);
      if (found == pages.end()) continue;
      dropped = std::move(*found);
      pages.erase(found);
      waiting_pages_ -= dropped.order.pictures.size();
      waiting_bytes_ -= dropped.order.bytes();
      if (pages.empty()) {
        turns_.remove(place->first);
        waiting_.erase(place);
      }
      return true;
    }
    const auto found = reading_.find(id);
    if (found == reading_.end()) return false;
    found->second.cancelled = true;
    cancel = found->second.cancel;
  }
  if (cancel) cancel();
  return false;
}

size_t PageFeed::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_pages_;
}

size_t PageFeed::reading() const {
  const std::lock_guard lock(mutex_);
  return reading_pages_;
}

bool PageFeed::may_read() const {
  return waiting_pages_ > 0 &&
         (reading_.empty() || (reading_pages_ < limits_.max_reading && picture_bytes_ < limits_.max_picture_bytes));
}

// Takes a page of the client whose turn it is, which then goes to the end of the turns.
PageFeed::QueuedPage PageFeed::next_page() {
  const std::string client = std::move(turns_.front());
  turns_.pop_front();
  const auto place = waiting_.find(client);
  QueuedPage page = std::move(place->second.front());
  place->second.pop_front();
  if (place->second.empty()) {
    waiting_.erase(place);
  } else {
    turns_.push_back(client);
  }
  waiting_pages_ -= page.order.pictures.size();
  waiting_bytes_ -= page.order.bytes();
  reading_[page.id].pages = page.order.pictures.size();
  reading_pages_ += page.order.pictures.size();
  return page;
}

void PageFeed::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, [&] { return closing_ || !works_.empty() || may_read(); });
    if (closing_) return;
    if (!works_.empty()) {
      const std::function<void()> work = std::move(works_.front());
      works_.pop_front();
      lock.unlock();
      work();
    } else {
      QueuedPage page = next_page();
      lock.unlock();
      read(std::move(page));
    }
    lock.lock();
  }
}

void PageFeed::read(QueuedPage page) {
  if (events_.waited) events_.waited(seconds_since(page.since));
  PageOrder& order = page.order;
  const PageId id = page.id;
  const auto places = std::make_shared<std::vector<size_t>>();
  // Room for the next page is made before the final news are delivered: their receiver may rely on it.
  auto tell = [this, id, places, pictures = order.pictures.size(), since = page.since, writes = false,
               told = std::move(order.tell)](PageNews news) mutable {
    if (news.kind == PageNews::Kind::token && !std::exchange(writes, true) && events_.first_token) {
      events_.first_token(seconds_since(since));
    }
    if (news.kind == PageNews::Kind::finished) news = with_blank_ones(std::move(news), *places, pictures);
    if (news.kind == PageNews::Kind::finished && events_.read) {
      events_.read(news.answer);
      for (const FurtherAnswer& further : news.further) events_.read(further.answer);
    }
    const bool last = is_last(news);
    if (last) finished(id);
    told(std::move(news));
    if (last) was_told();
  };
  try {
    const Decoded decoded = take_pictures(order, limits_);
    *places = decoded.places;
    if (decoded.images.empty()) return tell(blank_page());
    {
      const std::lock_guard lock(mutex_);
      reading_.at(id).picture_bytes = decoded.bytes;
      picture_bytes_ += decoded.bytes;
    }
    submit(id, order, decoded.images, tell);
  } catch (const Refusal& refusal) {
    tell(failure(refusal.status, refusal.why));
  } catch (const std::bad_alloc&) {
    tell(failure(503, order.pictures.front().name + ": there is not enough memory for this picture now"));
  } catch (const Error& error) {
    tell(failure(500, error.what()));
  }
}

void PageFeed::submit(PageId id, const PageOrder& order, const std::vector<Image>& images,
                      const std::function<void(PageNews)>& tell) {
  const std::function<void()> cancel = order.model->submit(images, order.options, tell);
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = reading_.find(id);  // it may have been finished
    if (found == reading_.end()) return;
    found->second.cancel = cancel;
    cancelled = found->second.cancelled;
  }
  if (cancelled) cancel();
}

void PageFeed::finished(PageId id) {
  const std::lock_guard lock(mutex_);
  ++telling_;
  const auto found = reading_.find(id);
  if (found == reading_.end()) return;
  picture_bytes_ -= found->second.picture_bytes;
  reading_pages_ -= found->second.pages;
  reading_.erase(found);
  news_.notify_all();
}

void PageFeed::was_told() {
  const std::lock_guard lock(mutex_);
  --telling_;
  news_.notify_all();  // with the lock: whoever waits for this may destroy the feed then
}

}  // namespace lectern::server
