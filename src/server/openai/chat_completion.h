// One request of POST /v1/chat/completions, from its pages in the feed to its answer. It lives as long as its exchange
// or one of its pages knows it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/http.h"
#include "server/openai/api_error.h"
#include "server/openai/chat_answer.h"
#include "server/openai/chat_request.h"
#include "server/page_feed.h"

namespace lectern::server {

class ChatCompletion : public std::enable_shared_from_this<ChatCompletion> {
 public:
  // `read` is told of every page that was read.
  ChatCompletion(std::shared_ptr<HttpExchange> exchange, ChatRequest request, ServedModel& model,
                 std::function<void(const PageAnswer&)> read);

  // Hands the pages to the feed, which must outlive all pages. Throws ApiError: the model cannot serve the options, or
  // the queue is full.
  void start(PageFeed& feed);
  // Ends all pages soon, with what was read so far. Any thread.
  void cancel();

 private:
  struct Page {
    PageAnswer answer;
    std::string text;  // told so far
    bool begun = false, finished = false;
  };

  void take(size_t index, PageNews news);
  void fail(const PageNews& news);
  void stream();
  void send(std::string_view data);
  void begin_stream();
  void finish();

  const std::shared_ptr<HttpExchange> exchange_;
  ChatRequest request_;
  ServedModel& model_;
  const std::function<void(const PageAnswer&)> read_;
  ChatHead head_;
  PageFeed* feed_ = nullptr;

  std::mutex mutex_;  // of the following; the feed is called without it
  std::vector<PageId> ids_;
  std::vector<Page> pages_;
  bool streams_ = false;   // the head of the stream was sent
  bool ended_ = false;     // the answer was given
  size_t sent_page_ = 0;   // in turn to be streamed,
  size_t sent_bytes_ = 0;  // and of its text, sent
};

}  // namespace lectern::server
