#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "lectern/document.h"
#include "reading/page_reader.h"

namespace lectern {
namespace {

// A page from its rendering until it was handed on.
struct Slot {
  std::optional<Image> image;
  Ticket ticket;
  Page page;
  bool done = false;
};

// What the calling thread and the reader's share. It outlives the call where that is left by an exception.
struct Shared {
  std::mutex mutex;  // of Slot::page and Slot::done
  std::condition_variable news;
};

class PagesInOrder {
 public:
  PagesInOrder(Reader& reader, const std::optional<ReadOptions>& options) : reader_(reader), options_(options) {}
  PagesInOrder(const PagesInOrder&) = delete;
  PagesInOrder& operator=(const PagesInOrder&) = delete;
  // Nobody waits for pages that are left.
  ~PagesInOrder() {
    for (const auto& slot : slots_) slot->ticket.cancel();
  }

  size_t size() const { return slots_.size(); }

  void add(Document& document, int index) {
    const auto slot = std::make_shared<Slot>();
    slots_.push_back(slot);
    try {
      slot->image = document.image(index);
    } catch (const Error& error) {
      slot->page.number = index + 1;
      fail(slot->page, error.what(), error.code());
      slot->done = true;
      return;
    }
    const auto on_event = [slot, shared = shared_](const ReadEvent& event) {
      if (event.kind != ReadEvent::Kind::finished) return;
      const std::lock_guard lock(shared->mutex);
      slot->page = event.page;
      slot->done = true;
      shared->news.notify_all();
    };
    slot->ticket = reader_.submit(*slot->image, on_event, options_);
  }

  void hand_on(const std::function<void(const Page&, const Image*)>& each) {
    const std::shared_ptr<Slot> slot = slots_.front();
    {
      std::unique_lock lock(shared_->mutex);
      shared_->news.wait(lock, [&] { return slot->done; });
    }
    slots_.pop_front();
    each(slot->page, slot->image ? &*slot->image : nullptr);
  }

 private:
  Reader& reader_;
  const std::optional<ReadOptions>& options_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::deque<std::shared_ptr<Slot>> slots_;
};

}  // namespace

void read_pages(Reader& reader, Document& document, const std::function<void(const Page&, const Image*)>& each,
                const std::optional<ReadOptions>& options) {
  const auto ahead = static_cast<size_t>(reader.batch()) + 1;  // one is rendered while the others are read
  PagesInOrder pages(reader, options);
  for (int index = 0; index < document.pages(); ++index) {
    if (pages.size() >= ahead) pages.hand_on(each);
    pages.add(document, index);
  }
  while (pages.size() > 0) pages.hand_on(each);
}

}  // namespace lectern
