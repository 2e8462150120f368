#include "server/page_feed.h"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "core/files/file_kind.h"
#include "image/ink.h"
#include "image/picture_file.h"
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

// What is no picture at all has another status than a broken one.
int status_of(const std::string& bytes) {
  const FileKind kind = kind_of_bytes(std::string_view(bytes).substr(0, 4096));
  return kind == FileKind::png || kind == FileKind::picture ? 422 : 415;
}

Image decoded(const PageOrder& order, int64_t max_pixels) {
  PictureLimits limits;
  limits.max_pixels = max_pixels;
  const Picture picture = read_picture(std::as_bytes(std::span(order.bytes)), order.name, limits);
  return Image::from_pixels(picture.rgb, picture.width, picture.height, order.name);
}

}  // namespace

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
    size_t bytes = 0;
    for (const PageOrder& order : orders) bytes += order.bytes.size();
    if (closing_ || waiting_pages_ + orders.size() > limits_.max_waiting ||
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
  ++waiting_pages_;
  waiting_bytes_ += order.bytes.size();
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
      --waiting_pages_;
      waiting_bytes_ -= dropped.order.bytes.size();
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
  return reading_.size();
}

bool PageFeed::may_read() const {
  return waiting_pages_ > 0 && reading_.size() < limits_.max_reading &&
         (reading_.empty() || picture_bytes_ < limits_.max_picture_bytes);
}

// Of the client whose turn it is; then the others take theirs.
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
  --waiting_pages_;
  waiting_bytes_ -= page.order.bytes.size();
  reading_[page.id];
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
  // The last news makes room for the next page before it is told: whoever hears it may count on that.
  auto tell = [this, id, since = page.since, writes = false, told = std::move(order.tell)](PageNews news) mutable {
    if (news.kind == PageNews::Kind::token && !std::exchange(writes, true) && events_.first_token) {
      events_.first_token(seconds_since(since));
    }
    if (news.kind == PageNews::Kind::finished && events_.read) events_.read(news.answer);
    const bool last = is_last(news);
    if (last) finished(id);
    told(std::move(news));
    if (last) was_told();
  };
  const int status = order.image ? 500 : status_of(order.bytes);
  try {
    const bool known = order.image.has_value();
    const Image image = known ? *std::exchange(order.image, std::nullopt) : decoded(order, limits_.max_pixels);
    order.bytes = {};
    if (!known && is_blank(*image.picture())) {
      return tell(blank_page());
    }
    {
      const std::lock_guard lock(mutex_);
      Reading& reading = reading_.at(id);
      reading.picture_bytes = image.picture()->rgb.size();
      picture_bytes_ += reading.picture_bytes;
    }
    const std::function<void()> cancel = order.model->submit(image, order.options, tell);
    bool cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      const auto found = reading_.find(id);  // it may have been finished
      if (found == reading_.end()) return;
      found->second.cancel = cancel;
      cancelled = found->second.cancelled;
    }
    if (cancelled) cancel();
  } catch (const std::bad_alloc&) {
    tell(failure(503, order.name + ": there is not enough memory for this picture now"));
  } catch (const Error& error) {
    tell(failure(status, error.what()));
  }
}

void PageFeed::finished(PageId id) {
  const std::lock_guard lock(mutex_);
  ++telling_;
  const auto found = reading_.find(id);
  if (found == reading_.end()) return;
  picture_bytes_ -= found->second.picture_bytes;
  reading_.erase(found);
  news_.notify_all();
}

void PageFeed::was_told() {
  const std::lock_guard lock(mutex_);
  --telling_;
  news_.notify_all();  // with the lock: whoever waits for this may destroy the feed then
}

}  // namespace lectern::server
