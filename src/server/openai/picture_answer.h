// Answer to a request for the text of pictures, from its pages in the feed to its end. Its exchange and its pages keep
// it alive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/http.h"
#include "server/model_shelf.h"
#include "server/openai/answer_form.h"
#include "server/openai/picture_request.h"
#include "server/page_feed.h"

namespace lectern::server {

class PictureAnswer : public std::enable_shared_from_this<PictureAnswer> {
 public:
  // The pictures of `request` must have been fetched. `client`: whose turns its pages take.
  PictureAnswer(std::shared_ptr<HttpExchange> exchange, PictureRequest request, ModelLease model,
                std::unique_ptr<AnswerForm> form, std::string client);

  // Adds the pages to the feed, which must outlive them. Throws ApiError if the model does not support the options or
  // the queue is full.
  void start(PageFeed& feed);
  // Ends all pages soon, with the text so far. Any thread.
  void cancel();

 private:
  // A page, or several that are read in one sequence.
  struct AskedPages {
    std::vector<PageAnswer> answers;  // when finished; the first has the text of all of them
    std::string param;                // the field of the first picture
    std::string raw;                  // text so far
    std::string text;                 // the part of it that the client sees
    bool begun = false, finished = false;
  };

  void take(size_t index, PageNews news);
  void take_answers(AskedPages& pages, PageNews news) const;
  void tell_price(size_t index, const PageNews& news);
  void fail(const AskedPages& pages, const PageNews& news);
  void stream();
  void begin_stream();
  void finish();

  const std::shared_ptr<HttpExchange> exchange_;
  PictureRequest request_;
  const ModelLease model_;
  const std::unique_ptr<AnswerForm> form_;
  const std::string client_;
  PageFeed* feed_ = nullptr;

  std::mutex mutex_;  // of the following; not held while the feed is called
  std::vector<PageId> ids_;
  std::vector<AskedPages> pages_;
  bool streams_ = false;   // the head of the stream was sent
  bool ended_ = false;     // the answer was given
  size_t sent_page_ = 0;   // index in pages_ of the page being streamed
  size_t sent_bytes_ = 0;  // of its text
};

}  // namespace lectern::server
