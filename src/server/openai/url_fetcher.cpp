#include "server/openai/url_fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/stopped.h"
#include "core/text.h"
#include "hub/http.h"
#include "lectern/error.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

constexpr size_t max_url_bytes = 8192;

// Host in lower case; nullopt for anything but an http(s) URL, and for one with a name and password.
std::optional<std::string> host_of(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return std::nullopt;
  const std::string_view authority =
      std::string_view(url).substr(begin + 3, url.find_first_of("/?#\\", begin + 3) - begin - 3);
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  try {
    const std::string origin = hub::origin_of(url);
    const size_t host = origin.find("://") + 3;
    return origin.substr(host, origin.rfind(':') - host);
  } catch (const Error&) {
    return std::nullopt;
  }
}

FetchLimits lower_hosts(FetchLimits limits) {
  for (std::string& host : limits.hosts) host = lower_case(host);
  return limits;
}

}  // namespace

UrlFetcher::UrlFetcher(FetchLimits limits) : limits_(lower_hosts(std::move(limits))) {
  if (!is_used()) return;
  for (int i = 0; i < limits_.threads; ++i) threads_.emplace_back([this] { work(); });
}

UrlFetcher::~UrlFetcher() { stop(); }

void UrlFetcher::stop() {
  stop_.request_stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  dropped.swap(works_);
}

bool UrlFetcher::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_.stop_requested() || works_.size() >= limits_.max_waiting) return false;
    works_.push_back(std::move(work));
  }
  news_.notify_one();
  return true;
}

void UrlFetcher::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, stop_.get_token(), [&] { return !works_.empty(); });
    if (stop_.stop_requested()) return;
    std::function<void()> work = std::move(works_.front());
    works_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void UrlFetcher::check(const std::string& url, const std::string& param) const {
  const bool printable = std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~'; });
  const std::optional<std::string> host = url.size() <= max_url_bytes && printable ? host_of(url) : std::nullopt;
  if (!host) {
    refuse_field(param, "expected a data URL, or an address of the web without name and password", "invalid_url");
  }
  if (std::ranges::find(limits_.hosts, *host) == limits_.hosts.end()) {
    refuse_field(
        param, fmt::format("nothing is fetched from {}; send the picture itself, as data:image/png;base64,...", *host),
        "forbidden_url");
  }
}

std::string UrlFetcher::get(const std::string& url, const std::string& param, const std::stop_token& stop) const {
  hub::HttpClient client(limits_.stall, {limits_.may_connect, limits_.total, limits_.resolve});
  std::string bytes;
  const auto take = [&](const hub::HttpAnswer&, std::span<const std::byte> more) {
    if (bytes.size() + more.size() > limits_.max_bytes) {
      refuse_field(param, fmt::format("what is there has more than the {} bytes that are taken", limits_.max_bytes),
                   "url_too_large");
    }
    bytes.append(reinterpret_cast<const char*>(more.data()), more.size());
  };
  // Stops of the request and of the fetcher.
  std::stop_source either;
  const auto end = [&] { either.request_stop(); };
  const std::stop_callback of_request(stop, end), of_fetcher(stop_.get_token(), end);
  std::string at = url;
  try {
    for (int redirects = 0; redirects <= limits_.redirects; ++redirects) {
      check(at, param);
      const hub::HttpAnswer answer = client.get(at, {}, take, either.get_token());
      if (answer.redirect.empty()) {
        if (answer.status == 200) return bytes;
        refuse_field(param, fmt::format("the other server answered with {}", answer.status), "url_not_fetched");
      }
      at = answer.redirect;
    }
  } catch (const ApiError&) {
    throw;
  } catch (const hub::TryAgain& failure) {
    refuse_field(param, "cannot be fetched: " + failure.reason, "url_not_fetched");
  } catch (const Stopped&) {
    refuse_field(param, "cannot be fetched: the server or the client has gone", "url_not_fetched");
  } catch (const Error&) {
    // The error must not reveal addresses of this network.
    refuse_field(param,
                 "cannot be fetched: its name stands for an address that is not public, or its certificate is bad",
                 "url_not_fetched");
  }
  refuse_field(param, fmt::format("is redirected more than {} times", limits_.redirects), "url_not_fetched");
}

}  // namespace lectern::server
