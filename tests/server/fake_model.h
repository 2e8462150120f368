// A model whose pages are read when a test says so.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lectern/error.h"
#include "reading/page_group.h"
#include "server/served_model.h"

namespace lectern::testing {

class FakeModel : public server::ServedModel {
 public:
  explicit FakeModel(std::string name = "ocr") : name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  DocumentInfo info() const override {
    DocumentInfo info;
    info.model = name_;
    info.prompt = "free";
    return info;
  }
  void check(const server::PageOptions& options) const override {
    if (options.mode == "gundam") throw Error("ocr: does not know mode gundam");
  }
  std::function<void()> submit(const std::vector<Image>& images, const server::PageOptions& options,
                               std::function<void(server::PageNews)> tell) override {
    const auto page = std::make_shared<ReadPage>(ReadPage{images.front().name(), {}, options, std::move(tell)});
    for (const Image& image : images) page->known.push_back(image.about());
    // Before a test can end it.
    server::PageNews begun;
    begun.price = {views, static_cast<double>(views)};
    tell_page(*page, begun);
    {
      const std::lock_guard lock(mutex_);
      pages_.push_back(page);
    }
    news_.notify_all();
    return [this, page] {
      {
        const std::lock_guard lock(mutex_);
        page->cancelled = true;
      }
      news_.notify_all();
      std::string text;
      {
        const std::lock_guard lock(*page->telling);
        text = page->text;
      }
      finish(*page, text, "stopped");
    };
  }

  // Waits until so many pages were handed over; pages are counted from 0.
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return pages_.size() >= count; });
  }
  void wait_for_cancel(size_t index) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return pages_[index]->cancelled; });
  }
  std::string name_of(size_t index) { return page(index).name; }
  size_t pages_of(size_t index) { return page(index).known.size(); }
  server::PageOptions options_of(size_t index) { return page(index).options; }

  void write(size_t index, const std::string& more) {
    ReadPage& into = page(index);
    server::PageNews news;
    news.kind = server::PageNews::Kind::text;
    {
      const std::lock_guard lock(*into.telling);
      news.keep = into.text.size();
      news.more = more;
      into.text += more;
    }
    tell_page(into, news);
  }
  void finish(size_t index, const std::string& text, const std::string& why = "end") { finish(page(index), text, why); }
  int views = 0;  // that every page is looked at in, and the seconds that it takes; 0: not worth telling

  void fail(size_t index, const std::string& why) {
    server::PageNews news;
    news.kind = server::PageNews::Kind::failed;
    news.error = why;
    tell_page(page(index), news);
  }

 private:
  struct ReadPage {
    std::string name;
    std::vector<Page> known;  // those of the sequence
    server::PageOptions options;
    std::function<void(server::PageNews)> told;
    std::string text{};
    bool cancelled = false;
    std::unique_ptr<std::mutex> telling = std::make_unique<std::mutex>();
    bool ended = false;
  };

  ReadPage& page(size_t index) {
    const std::lock_guard lock(mutex_);
    return *pages_.at(index);
  }

  // One call at a time, and none behind the last.
  static void tell_page(ReadPage& page, const server::PageNews& news) {
    const std::lock_guard lock(*page.telling);
    if (page.ended) return;
    page.ended = news.kind == server::PageNews::Kind::finished || news.kind == server::PageNews::Kind::failed;
    if (!page.ended) return page.told(news);
    const auto told = std::exchange(page.told, nullptr);  // whoever hears it may keep this model
    told(news);
  }

  static void finish(ReadPage& page, const std::string& text, const std::string& why) {
    server::PageNews news;
    news.kind = server::PageNews::Kind::finished;
    news.answer.text = text;
    news.answer.finish = why;
    news.answer.mode = "native";
    news.answer.prompt_tokens = 10;
    news.answer.tokens = static_cast<int64_t>(text.size());
    Page read = page.known.front();
    read.raw = text;
    read.blocks = {{.label = "text", .boxes = {}, .raw_boxes = {}, .text = text}};
    read.finish = named<Finish>(why);
    if (page.known.size() > 1) {
      const std::vector<Page> parts = part_pages(read, page.known);
      read = parts.front();
      for (size_t i = 1; i < parts.size(); ++i) {
        server::FurtherAnswer& further = news.further.emplace_back();
        further.answer.finish = lectern::name_of(*parts[i].finish);
        further.page = std::make_shared<const Page>(parts[i]);
      }
    }
    news.page = std::make_shared<const Page>(read);
    tell_page(page, news);
  }

  const std::string name_;
  std::mutex mutex_;  // of the list, and of `cancelled`
  std::condition_variable news_;
  std::vector<std::shared_ptr<ReadPage>> pages_;
};

}  // namespace lectern::testing
