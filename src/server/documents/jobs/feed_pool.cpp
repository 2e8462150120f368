#include "server/documents/jobs/feed_pool.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "input/image_parts.h"
#include "lectern/error.h"
#include "lectern/image.h"
#include "server/documents/jobs/group_text.h"

namespace lectern::server {
namespace {

// What the reader, which began with what was known of it, found of a page of the sequence.
Page page_of(const PageNews& news, size_t place, Page known) {
  if (news.kind == PageNews::Kind::failed) {
    fail(known, news.error, news.status == 503 ? ErrorCode::out_of_memory : ErrorCode::invalid_argument);
    return known;
  }
  Page page;
  if (place == 0 && news.page) page = *news.page;
  if (place > 0 && place <= news.further.size() && news.further[place - 1].page) page = *news.further[place - 1].page;
  if (!page.finish && news.page) page.finish = news.page->finish;  // what ended the first ended all
  page.number = known.number;
  page.width = known.width;
  page.height = known.height;
  page.dpi = known.dpi;
  page.turn = known.turn;
  page.has_text = known.has_text;
  page.stats.render_seconds = known.stats.render_seconds;
  return page;
}

}  // namespace

// Lives as long as a page that is read, which may be a moment longer than the pool.
struct FeedPool::State {
  State(PageFeed& to, FeedPoolOrder given, std::stop_source stopping, std::function<void(WorkerEvent)> told)
      : feed(to), order(std::move(given)), stop(std::move(stopping)), tell(std::move(told)) {}

  void take(size_t ticket, const PageNews& news);
  void end(size_t ticket, const PageNews& news);
  void cancel_all();

  struct OnItsWay {
    std::optional<PageId> id;  // not while it is handed to the feed
    Page known;
    std::shared_ptr<const Picture> picture;  // counts against what the run may hold
    std::vector<FurtherPage> further;        // read with it in one sequence
    GroupText text;
  };

  PageFeed& feed;
  const FeedPoolOrder order;
  std::stop_source stop;
  const std::function<void(WorkerEvent)> tell;
  std::mutex mutex;  // of the following; neither the feed nor `tell` is called with it
  std::condition_variable_any news;
  std::map<size_t, OnItsWay> pages;  // by ticket
};

void FeedPool::State::take(size_t ticket, const PageNews& told) {
  if (told.kind == PageNews::Kind::finished || told.kind == PageNews::Kind::failed) return end(ticket, told);
  std::vector<std::pair<int, PageNews>> parts;
  {
    const std::lock_guard lock(mutex);
    const auto found = pages.find(ticket);
    if (found == pages.end()) return;
    OnItsWay& page = found->second;
    const auto number_of = [&](size_t i) { return i == 0 ? page.known.number : page.further[i - 1].page.number; };
    if (page.further.empty()) {
      parts.emplace_back(number_of(0), told);
    } else if (told.kind == PageNews::Kind::text) {
      for (GroupText::Piece& piece : page.text.push(told.keep, told.more)) {
        PageNews& part = parts.emplace_back(number_of(piece.page), told).second;
        part.keep = piece.keep;
        part.more = std::move(piece.more);
      }
    } else {
      for (size_t i = 0; i <= page.further.size(); ++i) parts.emplace_back(number_of(i), told);
    }
  }
  for (const auto& [number, news] : parts) order.news(number, news);
}

// Told before the page is taken off the list: nothing that it is told to is gone before.
void FeedPool::State::end(size_t ticket, const PageNews& told) {
  WorkerEvent event;
  event.kind = WorkerEvent::Kind::finished;
  event.ticket = ticket;
  {
    const std::lock_guard lock(mutex);
    const auto found = pages.find(ticket);
    if (found == pages.end()) return;
    event.page = page_of(told, 0, std::move(found->second.known));
    event.further = std::move(found->second.further);
    for (size_t i = 0; i < event.further.size(); ++i) {
      event.further[i].page = page_of(told, i + 1, std::move(event.further[i].page));
    }
  }
  order.news(event.page.number, told);
  for (const FurtherPage& further : event.further) order.news(further.page.number, told);
  tell(std::move(event));
  const std::lock_guard lock(mutex);
  pages.erase(ticket);
  news.notify_all();
}

void FeedPool::State::cancel_all() {
  std::vector<std::pair<size_t, PageId>> ids;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [ticket, page] : pages) {
      if (page.id) ids.emplace_back(ticket, *page.id);
    }
  }
  for (const auto& [ticket, id] : ids) {
    if (!feed.cancel(id)) continue;  // it says itself when it ends
    PageNews stopped;
    stopped.kind = PageNews::Kind::finished;
    Page page;
    page.finish = Finish::stopped;
    stopped.page = std::make_shared<const Page>(std::move(page));
    end(ticket, stopped);
  }
}

FeedPool::FeedPool(PageFeed& feed, FeedPoolOrder order, std::stop_source stop, std::function<void(WorkerEvent)> tell)
    : state_(std::make_shared<State>(feed, std::move(order), std::move(stop), std::move(tell))) {}

FeedPool::~FeedPool() {
  state_->stop.request_stop();
  join();
}

void FeedPool::wait_for_room(size_t max_waiting) {
  State& state = *state_;
  const std::stop_callback held(state.order.hold, [&state] {
    const std::lock_guard lock(state.mutex);
    state.news.notify_all();
  });
  {
    std::unique_lock lock(state.mutex);
    const auto is_held = [&] { return state.order.hold.stop_requested(); };
    const bool room = state.news.wait(lock, state.stop.get_token(), [&] {
      return is_held() ? state.pages.empty() : state.pages.size() < max_waiting;
    });
    if (!room || !is_held()) return;
  }
  state.stop.request_stop();
}

void FeedPool::add(PageTask task) {
  State& state = *state_;
  const size_t ticket = task.job.ticket;
  std::vector<OrderedPicture> pictures;
  pictures.push_back(
      {.name = task.name, .bytes = "", .image = ImageParts::make(task.job.picture, task.name, task.job.page)});
  for (const FurtherPage& further : task.job.further) {
    const std::string name = fmt::format("{} with page {}", task.name, further.page.number);
    pictures.push_back({.name = name, .bytes = "", .image = ImageParts::make(further.picture, name, further.page)});
  }
  {
    const std::lock_guard lock(state.mutex);
    state.pages.insert_or_assign(ticket,
                                 State::OnItsWay{std::nullopt, std::move(task.job.page), std::move(task.job.picture),
                                                 std::move(task.job.further), GroupText(pictures.size())});
  }
  PageNews failure;
  failure.kind = PageNews::Kind::failed;
  try {
    PageOrder order;
    order.client = state.order.client;
    order.pictures = std::move(pictures);
    order.model = state.order.model;
    order.options = state.order.options;
    order.tell = [shared = state_, ticket](const PageNews& news) { shared->take(ticket, news); };
    const PageId id = state.feed.add_bounded(std::move(order));
    const std::lock_guard lock(state.mutex);
    const auto found = state.pages.find(ticket);  // it may have ended
    if (found != state.pages.end()) found->second.id = id;
    state.news.notify_all();
    return;
  } catch (const std::bad_alloc&) {
    failure.status = 503;
    failure.error = task.name + ": there is not enough memory for this page now";
  } catch (const Error& error) {
    failure.error = error.what();
  }
  state.end(ticket, failure);
}

std::vector<WorkerReport> FeedPool::join() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const auto all_ended = [&] { return state.pages.empty(); };
  if (state.news.wait(lock, state.stop.get_token(), all_ended)) return {};
  lock.unlock();
  state.cancel_all();
  lock.lock();
  state.news.wait(lock, all_ended);
  return {};
}

}  // namespace lectern::server
