// Stand-ins for what reads pages and for where they come from.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "input/page_source.h"
#include "reading/page_reader.h"

namespace lectern::testing {

// Pages "read" in as many steps as asked for; the text says which page of which size it was.
class FakeReader : public PageReader {
 public:
  struct Behaviour {
    int batch = 2;
    int steps = 1;                                       // for a page
    std::function<void(const PageJob&)> on_add = {};     // may throw
    std::function<void(size_t in_flight)> on_step = {};  // may throw
  };

  explicit FakeReader(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}

  int room() const override { return behaviour_.batch - static_cast<int>(jobs_.size()); }

  void add(PageJob job) override {
    if (behaviour_.on_add) behaviour_.on_add(job);
    jobs_.emplace_back(std::move(job), 0);
  }

  void cancel(size_t ticket) override {
    if (std::ranges::any_of(jobs_, [&](const auto& job) { return job.first.ticket == ticket; }))
      cancelled_.insert(ticket);
  }

  void step(std::vector<PageEvent>& events) override {
    if (behaviour_.on_step) behaviour_.on_step(jobs_.size());
    for (auto& [job, steps] : jobs_) {
      PageEvent& text = events.emplace_back();
      text.ticket = job.ticket;
      text.keep = static_cast<size_t>(steps);
      text.more = "x";
      ++steps;
      const bool cancelled = cancelled_.contains(job.ticket);
      if (steps < behaviour_.steps && !cancelled) continue;
      job.page.finish = cancelled ? Finish::stopped : Finish::end;
      job.page.raw = "read " + std::to_string(job.page.number);
      PageEvent& finished = events.emplace_back();
      finished.ticket = job.ticket;
      finished.kind = PageEvent::Kind::finished;
      finished.page = job.page;
      for (const FurtherPage& further : job.further) {
        Page& page = finished.further.emplace_back(further.page);
        page.finish = job.page.finish;
        page.raw = "read " + std::to_string(page.number) + " with " + std::to_string(job.page.number);
      }
    }
    std::erase_if(jobs_, [](const auto& job) { return job.first.page.finish.has_value(); });
  }

  void clear() override {
    jobs_.clear();
    cancelled_.clear();
  }

 private:
  Behaviour behaviour_;
  std::vector<std::pair<PageJob, int>> jobs_;
  std::set<size_t> cancelled_;
};

inline PageWorker fake_worker(const std::string& device, const FakeReader::Behaviour& behaviour) {
  return {device, [behaviour] { return std::make_unique<FakeReader>(behaviour); }};
}

// Pages of one colour; page i of `broken` cannot be had.
class FakeSource : public PageSource {
 public:
  explicit FakeSource(int pages, int side = 8, std::vector<int> broken = {}, std::vector<Warning> warnings = {})
      : pages_(pages), side_(side), broken_(std::move(broken)), warnings_(std::move(warnings)) {}

  int pages() const override { return pages_; }
  std::vector<Warning> warnings() const override { return warnings_; }
  SourcePage page(int index) override {
    for (const int bad : broken_) {
      if (bad == index) throw Error("fake, page " + std::to_string(index + 1) + ": is broken");
    }
    SourcePage page;
    page.picture = Picture(side_, side_);
    page.dpi = 100;
    return page;
  }

 private:
  int pages_, side_;
  std::vector<int> broken_;
  std::vector<Warning> warnings_;
};

}  // namespace lectern::testing
