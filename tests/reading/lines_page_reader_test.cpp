#include "reading/lines_page_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lectern/error.h"
#include "support/drawn_pages.h"

namespace lectern {
namespace {

using testing::drawn_page;
using testing::text_at;

// Reads views as told: a line "rN" for each row that has ink, N counted over all views.
class FakeViews : public PageReader {
 public:
  struct Behaviour {
    int room = 3;
    bool skip_a_row = false;   // of every view of several rows
    size_t failing_view = 99;  // by its number, from 0
    size_t looping_view = 99;  // loses text
    size_t cut_view = 99;      // fills the context
    bool backwards = false;    // of those that it has room for the last first
    bool remains = false;      // a line of nonsense before every row
  };

  FakeViews(const Behaviour& behaviour, std::vector<size_t>& rows_of_views)
      : behaviour_(behaviour), rows_of_views_(rows_of_views) {}

  int room() const override { return behaviour_.room - static_cast<int>(jobs_.size()); }
  void add(PageJob job) override { jobs_.push_back(std::move(job)); }
  void cancel(size_t ticket) override { cancelled_.push_back(ticket); }
  void clear() override { jobs_.clear(); }

  void step(std::vector<PageEvent>& events) override {
    if (jobs_.empty()) return;
    if (behaviour_.backwards) std::ranges::reverse(jobs_);
    PageJob job = std::move(jobs_.front());
    jobs_.pop_front();
    if (behaviour_.backwards) std::ranges::reverse(jobs_);
    PageEvent& event = events.emplace_back();
    event.ticket = job.ticket;
    if (rows_of_views_.size() == behaviour_.failing_view) {
      event.kind = PageEvent::Kind::failed;
      event.error = std::make_exception_ptr(Error("a view cannot be read"));
      return;
    }
    event.kind = PageEvent::Kind::finished;
    event.page = job.page;
    event.page.finish = std::ranges::find(cancelled_, job.ticket) != cancelled_.end() ? Finish::stopped : Finish::end;
    event.page.stats.tokens = 10;
    if (rows_of_views_.size() == behaviour_.looping_view) {
      event.page.finish = Finish::loop;
      event.page.guard.loops = 1;
    }
    if (rows_of_views_.size() == behaviour_.cut_view) event.page.finish = Finish::context;
    const size_t rows = rows_with_ink(*job.picture);
    rows_of_views_.push_back(rows);
    for (size_t i = 0; i < rows; ++i) {
      if (behaviour_.skip_a_row && rows > 1 && i == 1) continue;
      if (behaviour_.remains) {
        event.page.raw += "=2~\n";
        event.page.token_logprobs.push_back(std::log(0.1F));
        event.page.token_ends.push_back(event.page.raw.size());
      }
      event.page.raw += "r" + std::to_string(next_row_++) + "\n";
      event.page.token_logprobs.push_back(std::log(0.9F));
      event.page.token_ends.push_back(event.page.raw.size());
    }
  }

 private:
  static size_t rows_with_ink(const Picture& view) {
    size_t rows = 0;
    for (int row = 0; row < 4 && view.height == 256; ++row) {
      const uint8_t* first = view.row(row * 64);
      rows += std::any_of(first, first + static_cast<ptrdiff_t>(64) * view.width * 3, [](uint8_t v) { return v < 120; })
                  ? 1
                  : 0;
    }
    return rows;
  }

  Behaviour behaviour_;
  std::vector<size_t>& rows_of_views_;
  std::deque<PageJob> jobs_;
  std::vector<size_t> cancelled_;
  int next_row_ = 0;
};

struct Pages {
  explicit Pages(const FakeViews::Behaviour& behaviour = {}, int pages = 2, int64_t max_tokens = 0,
                 bool logprobs = false) {
    ReadOptions page_options;
    page_options.max_tokens = max_tokens;
    page_options.logprobs = logprobs;
    reader = std::make_unique<LinesPageReader>(std::make_unique<FakeViews>(behaviour, views), RowFormat{},
                                               description_of("deepseek-ocr"), page_options, pages);
  }

  void add(size_t ticket, Picture picture, const std::optional<ReadOptions>& options = {}) {
    PageJob job;
    if (options) job.options = std::make_shared<const ReadOptions>(*options);
    job.ticket = ticket;
    job.page.number = static_cast<int>(ticket);
    job.page.width = picture.width;
    job.page.height = picture.height;
    job.picture = std::make_shared<const Picture>(std::move(picture));
    reader->add(std::move(job));
  }

  void to_the_end(int steps = 100) {
    for (int i = 0; i < steps; ++i) reader->step(events);
  }

  std::vector<PageEvent> last(size_t ticket) const {
    std::vector<PageEvent> found;
    for (const PageEvent& event : events) {
      if (event.ticket == ticket && (event.kind == PageEvent::Kind::finished || event.kind == PageEvent::Kind::failed))
        found.push_back(event);
    }
    return found;
  }

  std::string shown(size_t ticket) const {
    std::string text;
    for (const PageEvent& event : events) {
      if (event.ticket != ticket || event.kind != PageEvent::Kind::text) continue;
      text.resize(event.keep);
      text += event.more;
    }
    return text;
  }

  std::vector<size_t> views;  // rows of every view that was read
  std::unique_ptr<LinesPageReader> reader;
  std::vector<PageEvent> events;
};

Picture page_of(int lines) {
  std::string content;
  for (int i = 0; i < lines; ++i) content += text_at(72, 700 - 16 * i, 12, "one piece");
  return drawn_page(content);
}

TEST(LinesPageReader, ReadsTheLinesOfAPageInViewsOfFour) {
  Pages run;
  run.add(7, page_of(6));
  run.to_the_end();
  ASSERT_EQ(run.last(7).size(), 1u);
  const Page page = run.last(7)[0].page;
  EXPECT_EQ(run.views, (std::vector<size_t>{4, 2}));
  EXPECT_EQ(page.mode, Mode::lines);
  EXPECT_EQ(page.finish, Finish::end);
  EXPECT_EQ(page.number, 7);
  EXPECT_EQ(page.stats.tokens, 20);
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].text, "r0\nr1\nr2\nr3\nr4\nr5");
  EXPECT_EQ(page.blocks[0].lines.size(), 6u);
  EXPECT_EQ(page.raw, "r0\nr1\nr2\nr3\nr4\nr5");
  EXPECT_EQ(run.shown(7), page.raw);
}

TEST(LinesPageReader, ReadsPiecesAloneWhereARowIsMissing) {
  Pages run({.skip_a_row = true});
  run.add(1, page_of(3));
  run.to_the_end();
  EXPECT_EQ(run.views, (std::vector<size_t>{3, 1, 1, 1}));
  ASSERT_EQ(run.last(1).size(), 1u);
  EXPECT_EQ(run.last(1)[0].page.blocks[0].text, "r2\nr3\nr4");
}

TEST(LinesPageReader, SaysWhichBoxesAreTickedWithoutAModel) {
  std::string content = "1.2 w 0 G 72 668 11 11 re S 72 692 11 11 re S 72 668 m 83 679 l S 72 679 m 83 668 l S\n";
  for (const int y : {694, 670}) content += text_at(92, y, 12, "one piece of text");
  Pages run;
  run.add(1, drawn_page(content));
  run.to_the_end();
  EXPECT_EQ(run.views, (std::vector<size_t>{2}));
  ASSERT_EQ(run.last(1).size(), 1u);
  const Page page = run.last(1)[0].page;
  EXPECT_EQ(page.raw, "☐ r0\n☒ r1");
  EXPECT_EQ(run.shown(1), page.raw);
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].lines[1].words[0].text, "☒");
  EXPECT_NEAR(page.blocks[0].lines[1].words[0].box.left, 72 * 200 / 72.0, 3);
}

TEST(LinesPageReader, ReadsSeveralPagesTogetherAndHasRoomForNoMore) {
  Pages run({.room = 8}, 2);
  run.add(1, page_of(5));
  EXPECT_EQ(run.reader->room(), 1);
  run.add(2, page_of(2));
  EXPECT_EQ(run.reader->room(), 0);
  run.to_the_end();
  EXPECT_EQ(run.last(1)[0].page.blocks[0].lines.size(), 5u);
  EXPECT_EQ(run.last(2)[0].page.blocks[0].lines.size(), 2u);
  EXPECT_EQ(run.reader->room(), 2);
}

TEST(LinesPageReader, ReadsAPageWithoutLinesWhole) {
  Pages run;
  run.add(1, drawn_page(""));
  run.to_the_end();
  ASSERT_EQ(run.last(1).size(), 1u);
  EXPECT_EQ(run.views.size(), 1u);
  EXPECT_NE(run.last(1)[0].page.mode, Mode::lines);
  EXPECT_EQ(run.last(1)[0].page.number, 1);
}

TEST(LinesPageReader, AViewThatCannotBeReadFailsItsPageAlone) {
  Pages run({.room = 1, .failing_view = 1});
  run.add(1, page_of(9));
  run.add(2, page_of(1));
  run.to_the_end();
  ASSERT_EQ(run.last(1).size(), 1u);
  EXPECT_EQ(run.last(1)[0].kind, PageEvent::Kind::failed);
  EXPECT_THROW(std::rethrow_exception(run.last(1)[0].error), Error);
}

TEST(LinesPageReader, ACancelledPageEndsWithWhatWasRead) {
  Pages run({.room = 1, .looping_view = 0});
  run.add(1, page_of(20));
  run.reader->step(run.events);
  run.reader->step(run.events);
  run.reader->cancel(1);
  run.to_the_end();
  ASSERT_EQ(run.last(1).size(), 1u);
  EXPECT_EQ(run.last(1)[0].page.finish, Finish::stopped);
  EXPECT_LT(run.views.size(), 5u);
  EXPECT_EQ(run.reader->room(), 2);
}

TEST(LinesPageReader, CutsAPageAtItsLimitOfTokens) {
  Pages run({}, 2, 15);
  run.add(1, page_of(12));
  run.to_the_end();
  const Page page = run.last(1)[0].page;
  EXPECT_EQ(page.finish, Finish::length);
  EXPECT_EQ(page.blocks[0].text, "r0\nr1\nr2\nr3\nr4\nr5\nr6\nr7");
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, WarningCode::cut_short);
}

TEST(LinesPageReader, SaysHowSureItIs) {
  Pages run;
  run.add(1, page_of(5));
  run.to_the_end();
  const Page page = run.last(1)[0].page;
  EXPECT_NEAR(page.confidence.value_or(0), 0.9, 1e-6);
  EXPECT_NEAR(page.blocks[0].lines[4].words[0].confidence.value_or(0), 0.9, 1e-6);
  EXPECT_TRUE(page.token_logprobs.empty()) << "nobody asked";
  EXPECT_TRUE(page.warnings.empty());
  Pages asked({}, 2, 0, true);
  asked.add(1, page_of(5));
  asked.to_the_end();
  EXPECT_EQ(asked.last(1)[0].page.token_logprobs.size(), 5u);
}

TEST(LinesPageReader, TextThatOneViewLostStaysLost) {
  Pages run({.looping_view = 0});
  run.add(1, page_of(6));
  run.to_the_end();
  const Page page = run.last(1)[0].page;
  EXPECT_EQ(page.finish, Finish::loop);
  EXPECT_FALSE(page.guard.recovered);
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, WarningCode::repetition);
}

// Which view is done first depends on who else is being read; what is said of the page does not.
TEST(LinesPageReader, EndsAsTheFirstOfItsViewsThatDidNotEnd) {
  for (const auto& behaviour : {FakeViews::Behaviour{.looping_view = 0, .cut_view = 1},
                                FakeViews::Behaviour{.looping_view = 1, .cut_view = 0, .backwards = true}}) {
    Pages run(behaviour);
    run.add(1, page_of(8));
    run.to_the_end();
    ASSERT_EQ(run.last(1).size(), 1u);
    EXPECT_EQ(run.last(1)[0].page.finish, Finish::loop);
    EXPECT_EQ(run.last(1)[0].page.guard.loops, 1);
  }
}

TEST(LinesPageReader, TellsNoLoopsOfViewsBehindItsEnd) {
  Pages run({.looping_view = 2}, 2, 10);
  run.add(1, page_of(12));
  run.to_the_end();
  ASSERT_EQ(run.last(1).size(), 1u);
  const Page page = run.last(1)[0].page;
  EXPECT_EQ(page.finish, Finish::length);
  EXPECT_EQ(page.guard.loops, 0);
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, WarningCode::cut_short);
}

// Its rows were read again, one by one.
TEST(LinesPageReader, TextOfAViewThatIsReadAgainIsNotLost) {
  Pages run({.skip_a_row = true, .looping_view = 0});
  run.add(1, page_of(3));
  run.to_the_end();
  ASSERT_EQ(run.last(1).size(), 1u);
  const Page page = run.last(1)[0].page;
  EXPECT_EQ(page.guard.loops, 1);
  EXPECT_TRUE(page.guard.recovered);
  EXPECT_EQ(page.finish, Finish::end);
}

TEST(LinesPageReader, DropsNonsenseThatWasReadBesideARow) {
  Pages run({.remains = true});
  run.add(1, page_of(2));
  run.to_the_end();
  EXPECT_EQ(run.views, (std::vector<size_t>{2, 1, 1}));
  EXPECT_EQ(run.last(1)[0].page.blocks[0].text, "r2\nr3");
  EXPECT_NEAR(run.last(1)[0].page.confidence.value_or(0), 0.9, 1e-6);
}

TEST(LinesPageReader, EveryPageHasItsOptions) {
  Pages run({}, 3, 15);
  ReadOptions options;
  run.add(1, page_of(12), options);
  options.prompt = "describe";
  run.add(2, page_of(12), options);
  options.prompt = "markdown";
  options.max_tokens = 10;
  run.add(3, page_of(12), options);
  run.to_the_end();
  EXPECT_EQ(run.last(1)[0].page.finish, Finish::end);
  EXPECT_EQ(run.last(1)[0].page.blocks[0].lines.size(), 12u);
  EXPECT_NE(run.last(2)[0].page.mode, Mode::lines) << "its prompt does not ask for the text";
  EXPECT_EQ(run.last(3)[0].page.finish, Finish::length);
  EXPECT_EQ(run.last(3)[0].page.stats.tokens, 10);
  EXPECT_EQ(std::ranges::count(run.shown(3), '\n'), 3) << "four lines";
}

TEST(LinesPageReader, EndsBeforeAStringThatStandsInOneViewOrTwo) {
  const struct {
    std::vector<std::string> stops;
    std::string text;
  } cases[] = {{{"2"}, "r0\nr1\nr"},
               {{"none", "r4", "3\nr4"}, "r0\nr1\nr2\nr"},  // the first to begin
               {{"", "r0"}, ""},
               {{"r5!"}, "r0\nr1\nr2\nr3\nr4\nr5"}};
  for (const auto& [stops, text] : cases) {
    Pages run({.room = 1});
    ReadOptions options;
    options.stop = stops;
    run.add(1, page_of(6), options);
    run.to_the_end();
    ASSERT_EQ(run.last(1).size(), 1u) << text;
    const Page page = run.last(1)[0].page;
    EXPECT_EQ(page.raw, text);
    EXPECT_EQ(run.shown(1), text);
    EXPECT_EQ(page.finish, text.ends_with("r5") ? Finish::end : Finish::stop_string) << text;
    EXPECT_EQ(page.blocks.empty() ? "" : page.blocks[0].text, text);
  }
}

TEST(LinesPageReader, TellsNothingThatAStringMayEnd) {
  Pages run({.room = 1});
  ReadOptions options;
  options.stop = {"3\nr5"};  // begins with the end of the first view
  run.add(1, page_of(6), options);
  run.reader->step(run.events);
  EXPECT_EQ(run.shown(1), "r0\nr1\nr2\nr");
  run.to_the_end();
  EXPECT_EQ(run.shown(1), "r0\nr1\nr2\nr3\nr4\nr5");
}

TEST(LinesPageReader, ForgetsAllWhenCleared) {
  Pages run;
  run.add(1, page_of(5));
  run.reader->clear();
  EXPECT_EQ(run.reader->room(), 2);
  run.to_the_end();
  EXPECT_TRUE(run.events.empty());
}

}  // namespace
}  // namespace lectern
