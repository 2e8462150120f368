// Fetcher of pictures that clients give by URL: only from allowed hosts with public addresses, on threads of its own
// and within bounds.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "server/http/public_address.h"

namespace lectern::server {

struct FetchLimits {
  std::vector<std::string> hosts;             // allowed; empty: nothing is fetched
  size_t max_bytes = size_t{32} << 20;        // of one response
  std::chrono::seconds total{30}, stall{10};  // maximum time of one response, and without a byte
  int redirects = 3;
  int threads = 4;
  size_t max_waiting = 100;  // requests
  // For tests.
  std::function<bool(const sockaddr&)> may_connect = is_public_address;
  std::vector<std::string> resolve = {};  // "HOST:PORT:ADDRESS"
};

class UrlFetcher {
 public:
  explicit UrlFetcher(FetchLimits limits);
  UrlFetcher(const UrlFetcher&) = delete;
  UrlFetcher& operator=(const UrlFetcher&) = delete;
  ~UrlFetcher();  // stops

  bool is_used() const { return !limits_.hosts.empty(); }
  // Throws ApiError, naming the field, for an address that must not be fetched.
  void check(const std::string& url, const std::string& param) const;
  // Runs `work`, which may call get(), on a thread of the fetcher; false if too much is waiting. It must not throw.
  bool run(std::function<void()> work);
  // Throws ApiError, naming the field, for failures and when it is stopped.
  std::string get(const std::string& url, const std::string& param, const std::stop_token& stop) const;
  // Drops waiting work, and ends transfers soon.
  void stop();

 private:
  void work();

  const FetchLimits limits_;
  std::mutex mutex_;  // of the following
  std::condition_variable_any news_;
  std::deque<std::function<void()>> works_;
  std::stop_source stop_;
  std::vector<std::thread> threads_;
};

}  // namespace lectern::server
