#include "job/pipeline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <map>
#include <set>
#include <stdexcept>

#include "core/temp_folder.h"
#include "device/device_failure.h"
#include "lectern/error.h"
#include "support/fake_pages.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using testing::fake_worker;
using testing::FakeReader;
using testing::FakeSource;

PipelineDocument document(const std::string& name, int pages, int side = 8, std::vector<int> broken = {}) {
  PipelineDocument made;
  made.name = name;
  made.open = [=] { return std::make_unique<FakeSource>(pages, side, broken); };
  return made;
}

using Kind = PipelineEvent::Kind;

// The events of a run, written down.
struct Notes {
  void take(const PipelineEvent& event) {
    const size_t d = event.document;
    switch (event.kind) {
      case Kind::begin: in_order.push_back(fmt::format("{} begin {}/{}", d, event.chosen, event.pages)); break;
      case Kind::page: {
        const Page& page = *event.page;
        in_order.push_back(
            fmt::format("{} page {}{}", d, page.number, page.error.empty() ? (page.blank ? " blank" : "") : " failed"));
        pages.push_back(page);
        pictures += event.picture ? 1 : 0;
        break;
      }
      case Kind::end: in_order.push_back(fmt::format("{} end", d)); break;
      case Kind::failed: in_order.push_back(fmt::format("{} failed: {}", d, event.message)); break;
      case Kind::finished: finished.emplace(d, event.page->number); break;
      default: break;
    }
  }
  std::function<void(const PipelineEvent&)> taker() {
    return [this](const PipelineEvent& event) { take(event); };
  }
  std::vector<std::string> in_order;
  std::vector<Page> pages;
  int pictures = 0;
  std::set<std::pair<size_t, int>> finished;
};

TEST(Pipeline, HandsThePagesOnInOrderAndMixesDocumentsInOneBatch) {
  // The pages before the last document wait to be read when that is opened; the first takes until then.
  std::latch last_opened(1);
  std::vector<PipelineDocument> documents = {document("a", 2, 8), document("b", 1, 16), document("c", 3, 24)};
  documents[2].open = [&] {
    last_opened.count_down();
    return std::make_unique<FakeSource>(3, 24, std::vector<int>{});
  };
  std::set<int> sides;
  FakeReader::Behaviour behaviour{.batch = 4, .steps = 2};
  behaviour.on_add = [&](const PageJob& job) {
    last_opened.wait();
    sides.insert(job.picture->width);
  };
  bool mixed = false;
  behaviour.on_step = [&](size_t) {
    mixed |= sides.size() > 1;
    sides.clear();
  };
  Notes notes;
  const auto report = run_pipeline(documents, {fake_worker("fake", behaviour)}, {}, notes.taker());
  EXPECT_TRUE(mixed);
  EXPECT_THAT(notes.in_order, ElementsAre("0 begin 2/2", "0 page 1", "0 page 2", "0 end", "1 begin 1/1", "1 page 1",
                                          "1 end", "2 begin 3/3", "2 page 1", "2 page 2", "2 page 3", "2 end"));
  EXPECT_EQ(notes.finished.size(), 6u);
  EXPECT_EQ(notes.pictures, 0);
  EXPECT_EQ(notes.pages[5].width, 24);
  EXPECT_EQ(notes.pages[5].dpi, 100);
  EXPECT_EQ(report.workers[0].pages, 6);
  EXPECT_FALSE(report.stopped);
}

TEST(Pipeline, ReadsWhatItCanAndSaysWhatItCannot) {
  std::vector<PipelineDocument> documents = {document("a", 3, 8, {1}), document("b", 1), document("c", 9)};
  documents[1].open = []() -> std::unique_ptr<PageSource> { throw Error("b: is no PDF"); };
  documents[2].choose = [](int) { return std::vector<int>{2, 7}; };
  Notes notes;
  run_pipeline(documents, {fake_worker("fake", {})}, {}, notes.taker());
  EXPECT_THAT(notes.in_order, ElementsAre("0 begin 3/3", "0 page 1", "0 page 2 failed", "0 page 3", "0 end",
                                          "1 failed: b: is no PDF", "2 begin 2/9", "2 page 3", "2 page 8", "2 end"));
  EXPECT_EQ(notes.pages[1].error, "fake, page 2: is broken");
  EXPECT_EQ(notes.pages[1].finish, Finish::failed);
  EXPECT_EQ(notes.finished.count({0, 2}), 1u);
}

TEST(Pipeline, WhatIsSaidOfAFileStandsOnTheFirstPageChosen) {
  PipelineDocument made = document("a", 9);
  made.open = [] {
    return std::make_unique<FakeSource>(9, 8, std::vector<int>{},
                                        std::vector<Warning>{{WarningCode::not_read, "holds 1 file", std::nullopt}});
  };
  made.choose = [](int) { return std::vector<int>{2, 7}; };
  Notes notes;
  run_pipeline({made}, {fake_worker("fake", {})}, {}, notes.taker());
  ASSERT_EQ(notes.pages.size(), 2u);
  ASSERT_EQ(notes.pages[0].warnings.size(), 1u);
  EXPECT_EQ(notes.pages[0].warnings[0].message, "holds 1 file");
  EXPECT_TRUE(notes.pages[1].warnings.empty());
}

TEST(Pipeline, MemoryDoesNotGrowWithThePages) {
  constexpr int pages = 3000, side = 100;
  constexpr size_t bytes = 3 * side * side;
  PipelineOptions options;
  options.memory = 20 * bytes;
  options.wants_picture = [](const Page&) { return true; };  // the hardest case
  Notes notes;
  const auto report = run_pipeline({document("long.pdf", pages, side)},
                                   {fake_worker("a", {.batch = 4, .steps = 3}), fake_worker("b", {.steps = 1})},
                                   options, notes.taker());
  EXPECT_EQ(notes.in_order.size(), static_cast<size_t>(pages) + 2);
  EXPECT_EQ(notes.pictures, pages);
  EXPECT_GT(report.peak_picture_bytes, 2 * bytes) << "pages are rendered ahead";
  EXPECT_LE(report.peak_picture_bytes, options.memory + bytes);
  for (int i = 0; i < pages; ++i) ASSERT_EQ(notes.pages[static_cast<size_t>(i)].number, i + 1);
}

TEST(Pipeline, ReadsAPdfOf3000PagesWithTheHelper) {
  constexpr int pages = 3000;
  const testing::TempFolder folder;
  const auto file = folder.write("long.pdf", testing::pdf_of(std::vector<testing::PdfPage>(pages)));
  PipelineDocument document;
  document.name = "long.pdf";
  document.open = [&] {
    SourceOptions source;
    source.dpi = 20;
    return open_source(file, source);
  };
  PipelineOptions options;
  options.memory = 100'000;
  Notes notes;
  const auto report = run_pipeline({document}, {fake_worker("fake", {.batch = 4, .steps = 2})}, options, notes.taker());
  ASSERT_EQ(notes.pages.size(), static_cast<size_t>(pages));
  EXPECT_TRUE(std::ranges::all_of(notes.pages, [](const Page& page) { return page.error.empty(); }));
  EXPECT_EQ(notes.pages[2999].number, pages);
  EXPECT_LE(report.peak_picture_bytes, options.memory + 3 * 56 * 28);
}

TEST(Pipeline, APageThatTakesLongHoldsBackABoundedNumber) {
  constexpr int pages = 1000;
  PipelineOptions options;
  options.waiting = 50;
  // Whoever has page 1 goes on only when as many others were begun as may wait.
  std::latch full(49);
  std::atomic<int> begun{0};
  class Held : public FakeReader {
   public:
    Held(const Behaviour& behaviour, std::latch& until) : FakeReader(behaviour), until_(until) {}
    void add(PageJob job) override {
      first_ = job.page.number == 1;
      FakeReader::add(std::move(job));
    }
    void step(std::vector<PageEvent>& events) override {
      if (first_) until_.wait();
      FakeReader::step(events);
    }

   private:
    std::latch& until_;
    bool first_ = false;
  };
  const auto on_add = [&](const PageJob& job) {
    if (job.page.number != 1 && begun++ < 49) full.count_down();
  };
  const PageWorker worker{
      "fake",
      [&] { return std::make_unique<Held>(FakeReader::Behaviour{.batch = 1, .steps = 1, .on_add = on_add}, full); }};
  Notes notes;
  int most = 0;
  run_pipeline({document("a", pages)}, {worker, worker}, options, [&](const PipelineEvent& event) {
    if (event.kind == Kind::page) most = std::max(most, begun - static_cast<int>(notes.pages.size()));
    notes.take(event);
  });
  ASSERT_EQ(notes.pages.size(), static_cast<size_t>(pages));
  for (int i = 0; i < pages; ++i) ASSERT_EQ(notes.pages[static_cast<size_t>(i)].number, i + 1);
  EXPECT_LE(most, 100) << "as many again may be on their way to the caller";
}

TEST(Pipeline, SkipsWhatIsKnownAndWhatNeedsNoReading) {
  std::vector<PipelineDocument> documents = {document("a", 4)};
  documents[0].known = [](int index) -> std::optional<Page> {
    if (index != 1) return std::nullopt;
    Page page;
    page.number = 2;
    page.raw = "from before";
    page.finish = Finish::end;
    return page;
  };
  for (const bool pictures : {false, true}) {
    PipelineOptions options;
    options.wants_picture = [=](const Page&) { return pictures; };
    options.prepare = [](SourcePage& source, Page& page) {
      source.turn = 90;
      if (page.number != 3) return;
      page.blank = true;
      page.finish = Finish::blank;
    };
    Notes notes;
    const auto report = run_pipeline(documents, {fake_worker("fake", {})}, options, notes.taker());
    EXPECT_THAT(notes.in_order,
                ElementsAre("0 begin 4/4", "0 page 1", "0 page 2", "0 page 3 blank", "0 page 4", "0 end"));
    EXPECT_EQ(notes.pages[1].raw, "from before");
    EXPECT_EQ(notes.pages[0].turn, 90);
    EXPECT_EQ(report.workers[0].pages, 2);
    EXPECT_EQ(notes.finished.size(), 3u);
    EXPECT_EQ(notes.pictures, pictures ? 4 : 0);
  }
}

TEST(Pipeline, ReadsPagesOfOneFileTogether) {
  PipelineOptions options;
  options.pages_together = 3;
  options.memory = 3 * 8 * 8;  // of one page: those of a group wait for nothing
  options.wants_picture = [](const Page&) { return true; };
  Notes notes;
  const auto report =
      run_pipeline({document("a", 7, 8, {4}), document("b", 1)}, {fake_worker("fake", {})}, options, notes.taker());
  EXPECT_THAT(notes.in_order,
              ElementsAre("0 begin 7/7", "0 page 1", "0 page 2", "0 page 3", "0 page 4", "0 page 5 failed", "0 page 6",
                          "0 page 7", "0 end", "1 begin 1/1", "1 page 1", "1 end"));
  std::vector<std::string> texts;
  for (const Page& page : notes.pages) texts.push_back(page.raw);
  EXPECT_THAT(texts, ElementsAre("read 1", "read 2 with 1", "read 3 with 1", "read 4", "", "read 6 with 4", "read 7",
                                 "read 1"));
  EXPECT_EQ(notes.pictures, 7);
  EXPECT_EQ(notes.finished.size(), 8u);
  EXPECT_EQ(report.workers[0].pages, 4);
}

TEST(Pipeline, EndsAGroupBeforeItsPicturesFillTheMemory) {
  PipelineOptions options;
  options.pages_together = 4;
  options.group_memory = 2 * 3 * 8 * 8;  // of two pages
  options.memory = 1;
  Notes notes;
  run_pipeline({document("a", 7)}, {fake_worker("fake", {})}, options, notes.taker());
  std::vector<std::string> texts;
  for (const Page& page : notes.pages) texts.push_back(page.raw);
  EXPECT_THAT(texts,
              ElementsAre("read 1", "read 2 with 1", "read 3", "read 4 with 3", "read 5", "read 6 with 5", "read 7"));
}

// A group of which a page is missing is read again, all of it; one that is known as a whole is not.
TEST(Pipeline, KnowsGroupsOfPages) {
  std::vector<PipelineDocument> documents = {document("a", 5)};
  documents[0].known = [](int index) -> std::optional<Page> {
    if (index == 3) return std::nullopt;
    Page page;
    page.number = index + 1;
    page.raw = "from before";
    page.finish = Finish::end;
    return page;
  };
  PipelineOptions options;
  options.pages_together = 2;
  Notes notes;
  run_pipeline(documents, {fake_worker("fake", {})}, options, notes.taker());
  std::vector<std::string> texts;
  for (const Page& page : notes.pages) texts.push_back(page.raw);
  EXPECT_THAT(texts, ElementsAre("from before", "from before", "read 3", "read 4 with 3", "from before"));
}

TEST(Pipeline, AGroupThatFailsFailsWithAllItsPages) {
  FakeReader::Behaviour behaviour;
  behaviour.on_add = [](const PageJob& job) {
    if (!job.further.empty()) throw Error("too large");
  };
  PipelineOptions options;
  options.pages_together = 2;
  Notes notes;
  run_pipeline({document("a", 3)}, {fake_worker("fake", behaviour)}, options, notes.taker());
  EXPECT_THAT(notes.in_order, ElementsAre("0 begin 3/3", "0 page 1 failed", "0 page 2 failed", "0 page 3", "0 end"));
}

TEST(Pipeline, AStopKeepsWhatIsFinishedAndEndsNoDocument) {
  std::stop_source stop;
  PipelineOptions options;
  options.stop = stop.get_token();
  Notes notes;
  const auto report =
      run_pipeline({document("a", 1000)}, {fake_worker("fake", {})}, options, [&](const PipelineEvent& event) {
        notes.take(event);
        if (event.kind == Kind::page && event.page->number == 5) stop.request_stop();
      });
  EXPECT_TRUE(report.stopped);
  EXPECT_GE(notes.pages.size(), 5u);
  EXPECT_LT(notes.pages.size(), 1000u);
  EXPECT_EQ(std::ranges::count(notes.in_order, "0 end"), 0);
}

TEST(Pipeline, AnExceptionOfAnEventEndsTheRun) {
  const auto full = [](const PipelineEvent& event) {
    if (event.kind == Kind::page && event.page->number == 3)
      throw Error("out.md: cannot be written: No space left on device");
  };
  EXPECT_THROW(run_pipeline({document("a", 1000)}, {fake_worker("fake", {})}, {}, full), Error);
}

TEST(Pipeline, ADeviceThatFailsIsNamedAndTheTextOfItsPageBeginsAnew) {
  FakeReader::Behaviour failing{.batch = 1, .steps = 5};
  std::latch lost(1);
  failing.on_step = [n = 0](size_t) mutable {
    if (++n == 3) throw DeviceFailure("broken");
  };
  FakeReader::Behaviour healthy{.batch = 1, .steps = 5, .on_step = [&](size_t) { lost.wait(); }};
  std::map<int, std::string> text;
  std::string loss;
  const auto take = [&](const PipelineEvent& event) {
    if (event.kind == Kind::text) {
      text[event.number].resize(event.keep);
      text[event.number] += event.more;
    }
    if (event.kind != Kind::lost) return;
    loss = event.device + " " + event.message;
    lost.count_down();
  };
  const auto report =
      run_pipeline({document("a", 4)}, {fake_worker("bad", failing), fake_worker("good", healthy)}, {}, take);
  EXPECT_EQ(loss, "bad broken");
  EXPECT_EQ(report.workers[0].failure, "broken");
  EXPECT_EQ(report.workers[1].pages, 4);
  for (int number = 1; number <= 4; ++number) EXPECT_EQ(text[number], "xxxxx") << number;
}

TEST(Pipeline, RefusesToRunWithoutAnyModel) {
  const PageWorker broken{"b", []() -> std::unique_ptr<PageReader> { throw Error("no such card"); }};
  EXPECT_THROW(run_pipeline({document("a", 1000)}, {broken}, {}, {}), Error);
}

TEST(Pipeline, OfNothingIsNothing) {
  Notes notes;
  run_pipeline({}, {fake_worker("fake", {})}, {}, notes.taker());
  run_pipeline({document("empty", 0)}, {fake_worker("fake", {})}, {}, notes.taker());
  EXPECT_THAT(notes.in_order, ElementsAre("0 begin 0/0", "0 end"));
}

}  // namespace
}  // namespace lectern
