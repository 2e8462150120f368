#include "server/documents/document_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "core/number.h"
#include "server/documents/document_route.h"
#include "server/http/event_stream.h"
#include "server/json_line.h"

namespace lectern::server {
namespace {

using nlohmann::ordered_json;

constexpr size_t kept_bytes = size_t{256} << 10;  // of the last events of a job

std::string page_data(int number, std::string_view state) {
  return one_line({{"number", number}, {"state", std::string(state)}});
}

std::string begun_data(int number, const PagePrice& price) {
  ordered_json data = {{"number", number}, {"state", "reading"}};
  if (price.seconds > 0) data["expected"] = price_to_json(price);
  return one_line(data);
}

std::string text_data(int number, std::string_view text) {
  return one_line({{"number", number}, {"text", std::string(text)}});
}

std::string restart_data(int number) { return one_line({{"number", number}, {"restart", true}}); }

// The id of an event tells that a client has seen it and all events before it.
std::string event_text(std::string_view name, std::string_view data, std::string_view id) {
  return (id.empty() ? "" : fmt::format("id: {}\n", id)) + sent_event(data, name);
}

std::string random_word() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

DocumentEvents::DocumentEvents() : process_(random_word()) {}

void DocumentEvents::open(const std::string& id) {
  const std::lock_guard lock(mutex_);
  channels_[id].before = last_number_;
}

std::string DocumentEvents::event_id(int64_t number) const { return fmt::format("{}-{}", process_, number); }

std::optional<int64_t> DocumentEvents::known_number(std::string_view event_id) const {
  if (!event_id.starts_with(process_ + "-")) return std::nullopt;
  event_id.remove_prefix(process_.size() + 1);
  return whole_number(event_id);
}

void DocumentEvents::tell(Channel& channel, std::string_view name, std::string_view data) {
  const int64_t number = ++last_number_;
  channel.last.push_back({number, event_text(name, data, event_id(number))});
  channel.last_bytes += channel.last.back().sent.size();
  for (const auto& watcher : channel.watchers) watcher->write(channel.last.back().sent);
  while (channel.last_bytes > kept_bytes && channel.last.size() > 1) {
    channel.before = channel.last.front().number;
    channel.last_bytes -= channel.last.front().sent.size();
    channel.last.pop_front();
  }
}

void DocumentEvents::changed(const std::string& id, const std::string& job) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found != channels_.end()) tell(found->second, "job", job);
}

void DocumentEvents::page_begun(const std::string& id, int number, const PagePrice& price) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  const bool begins = found->second.pages.try_emplace(number, ReadPage{price, ""}).second;
  if (begins) tell(found->second, "page", begun_data(number, price));
}

void DocumentEvents::page_ended(const std::string& id, int number, bool failed) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  found->second.pages.erase(number);
  tell(found->second, "page", page_data(number, failed ? "failed" : "done"));
}

void DocumentEvents::text(const std::string& id, int number, size_t keep, std::string_view more) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  Channel& channel = found->second;
  std::string& known = channel.pages[number].text;
  if (keep < known.size()) {
    known.resize(keep);
    known += more;
    tell(channel, "text", restart_data(number));
    if (!known.empty()) tell(channel, "text", text_data(number, known));
    return;
  }
  known += more;
  if (!more.empty()) tell(channel, "text", text_data(number, more));
}

void DocumentEvents::end(const std::string& id, const std::string& job) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  tell(found->second, "end", job);
  for (const auto& watcher : found->second.watchers) watcher->end();
  channels_.erase(found);
}

// Only the last event has an id: a client that reconnects after only a part of them starts over.
std::string DocumentEvents::standing_events(const Channel* channel, const Standing& standing) const {
  std::vector<std::pair<std::string_view, std::string>> all = {{"job", standing.job}};
  for (const auto& [page, failed] : standing.pages) {
    all.emplace_back("page", page_data(page, failed ? "failed" : "done"));
  }
  if (channel == nullptr && !closed_) all.emplace_back("end", standing.job);
  if (channel != nullptr) {
    for (const auto& [page, read] : channel->pages) {
      if (std::ranges::find(standing.pages, page, &std::pair<int, bool>::first) != standing.pages.end()) continue;
      all.emplace_back("page", begun_data(page, read.price));
      all.emplace_back("text", restart_data(page));
      if (!read.text.empty()) all.emplace_back("text", text_data(page, read.text));
    }
  }
  std::string events;
  for (size_t i = 0; i < all.size(); ++i) {
    events += event_text(all[i].first, all[i].second, i + 1 < all.size() ? "" : event_id(last_number_));
  }
  return events;
}

void DocumentEvents::watch(const std::string& id, const std::shared_ptr<HttpExchange>& exchange, std::string_view after,
                           const std::function<Standing()>& standing) {
  bool watching = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = closed_ ? channels_.end() : channels_.find(id);
    Channel* const channel = found == channels_.end() ? nullptr : &found->second;
    const std::optional<int64_t> number = known_number(after);
    std::string events;
    if (channel != nullptr && number && *number >= channel->before && *number <= last_number_) {
      for (const Event& event : channel->last) {
        if (event.number > *number) events += event.sent;
      }
    } else {
      events = standing_events(channel, standing());
    }
    exchange->begin({.type = event_stream_type, .body = std::move(events), .headers = {{"X-Accel-Buffering", "no"}}});
    watching = channel != nullptr;
    if (watching) channel->watchers.push_back(exchange);
  }
  if (!watching) return exchange->end();
  exchange->when_gone([this, id, gone = exchange.get()] { forget(id, gone); });
}

void DocumentEvents::forget(const std::string& id, const HttpExchange* exchange) {
  std::shared_ptr<HttpExchange> forgotten;  // released without the lock
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  auto& watchers = found->second.watchers;
  const auto place = std::ranges::find(watchers, exchange, [](const auto& watcher) { return watcher.get(); });
  if (place == watchers.end()) return;
  forgotten = std::move(*place);
  watchers.erase(place);
}

std::optional<PagePrice> DocumentEvents::reading(const std::string& id, int number) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  if (found == channels_.end()) return std::nullopt;
  const auto page = found->second.pages.find(number);
  return page == found->second.pages.end() ? std::nullopt : std::optional(page->second.price);
}

void DocumentEvents::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [id, channel] : channels_) {
    for (const auto& watcher : channel.watchers) watcher->end();
    channel.watchers.clear();
  }
}

}  // namespace lectern::server
