#include "reading/model_page_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "lectern/error.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

using testing::MiniCopy;

// All logits of this model are equal: it writes the first token for as long as it may.
struct LoopingModel {
  LoopingModel() {
    copy.fill("lm_head.weight", 0);
    copy.set("eos_token_id", 400);
    copy.set("max_position_embeddings", 1100);
  }
  const MiniCopy copy;
};

struct Reading {
  Page page;
  std::string shown;
  int pages = 0;
  int restarts = 0;
};

PageJob job_of(int height, size_t ticket = 0) {
  PageJob job;
  auto picture = std::make_shared<Picture>(200, height);
  std::ranges::fill(picture->rgb, uint8_t{255});
  job.ticket = ticket;
  job.page.number = 1;
  job.page.width = picture->width;
  job.page.height = picture->height;
  job.picture = picture;
  return job;
}

ReadOptions raw_gundam() {
  ReadOptions options;
  options.mode = Mode::gundam;
  options.raw = true;
  return options;
}

Reading read(const Model& model, int height, int cancel_at_restart = 0, const ReadOptions& options = raw_gundam()) {
  ModelPageReader reader(model, options, 1);
  Reading reading;
  reader.add(job_of(height));
  for (int steps = 0; reading.pages == 0 && steps < 20'000; ++steps) {
    std::vector<PageEvent> events;
    reader.step(events);
    for (PageEvent& event : events) {
      if (event.kind == PageEvent::Kind::finished) {
        reading.page = std::move(event.page);
        ++reading.pages;
      }
      if (event.kind != PageEvent::Kind::text) continue;
      if (event.keep == 0 && event.more.empty() && ++reading.restarts == cancel_at_restart) reader.cancel(0);
      EXPECT_LE(event.keep, reading.shown.size());
      reading.shown.resize(event.keep);
      reading.shown += event.more;
    }
  }
  EXPECT_EQ(reader.room(), 1);
  return reading;
}

bool warns_of_repetition(const Page& page) {
  return std::ranges::any_of(page.warnings, [](const Warning& warning) {
    return warning.code == WarningCode::repetition && warning.message.find("may be missing") != std::string::npos;
  });
}

TEST(ModelPageReader, APageThatLoopsIsReadAgainInHalvesAndMarked) {
  const LoopingModel looping;
  const Reading reading = read(Model::load(looping.copy.path()), 120);
  EXPECT_EQ(reading.pages, 1);
  EXPECT_EQ(reading.restarts, 1);
  EXPECT_EQ(reading.page.finish, Finish::loop);
  EXPECT_EQ(reading.page.guard.action, Retry::halves);
  EXPECT_FALSE(reading.page.guard.recovered);
  EXPECT_GE(reading.page.guard.loops, 3);
  EXPECT_GT(reading.page.guard.dropped, 900);
  EXPECT_LT(reading.page.stats.tokens, 600);
  EXPECT_TRUE(warns_of_repetition(reading.page));
  EXPECT_EQ(reading.shown, reading.page.raw);
}

TEST(ModelPageReader, CancelledWhileItIsReadAgainAPageKeepsWhatThereIs) {
  const LoopingModel looping;
  const Reading reading = read(Model::load(looping.copy.path()), 120, 1);
  EXPECT_EQ(reading.pages, 1);
  EXPECT_EQ(reading.page.finish, Finish::loop);
  EXPECT_EQ(reading.shown, reading.page.raw);
  EXPECT_TRUE(warns_of_repetition(reading.page));
}

TEST(ModelPageReader, ReadsALoopingPageOnceWhereItMayNotBeReadAgain) {
  const LoopingModel looping;
  const Model model = Model::load(looping.copy.path());
  ReadOptions options = raw_gundam();
  options.retry = false;
  const Reading reading = read(model, 120, 0, options);
  EXPECT_EQ(reading.page.finish, Finish::loop);
  EXPECT_EQ(reading.restarts, 0);
  EXPECT_EQ(reading.page.guard.action, Retry::continued);
  EXPECT_EQ(reading.shown, reading.page.raw);
}

TEST(ModelPageReader, DrawsTheSameTextFromTheSameSeed) {
  const Model model = Model::load(testing::mini_folder);
  const auto text_of = [&](float temperature, uint64_t seed) {
    ReadOptions options = raw_gundam();
    options.mode = Mode::tiny;
    options.max_tokens = 20;
    options.temperature = temperature;
    options.seed = seed;
    return read(model, 120, 0, options).page.raw;
  };
  EXPECT_EQ(text_of(1.5F, 1), text_of(1.5F, 1));
  EXPECT_NE(text_of(1.5F, 1), text_of(1.5F, 2));
  EXPECT_EQ(text_of(0, 1), text_of(0, 2));
}

TEST(ModelPageReader, EndsBeforeAStopStringAndKeepsTheTokensUpToIt) {
  const Model model = Model::load(testing::mini_folder);
  ReadOptions options = raw_gundam();
  options.max_tokens = 20;
  options.logprobs = true;
  const Page whole = read(model, 120, 0, options).page;
  ASSERT_EQ(whole.token_ends.size(), 20u);
  // In the middle of the text, on the border of a character.
  size_t at = whole.raw.size() / 2;
  while ((static_cast<uint8_t>(whole.raw[at]) & 0xC0) == 0x80) ++at;
  options.stop = {whole.raw.substr(at)};
  const Reading stopped = read(model, 120, 0, options);
  EXPECT_EQ(stopped.page.finish, Finish::stop_string);
  EXPECT_EQ(stopped.page.raw, whole.raw.substr(0, whole.raw.find(options.stop[0])));
  EXPECT_EQ(stopped.shown, stopped.page.raw);
  EXPECT_EQ(stopped.page.token_ends.size(), stopped.page.token_logprobs.size());
  EXPECT_LT(stopped.page.token_ends.size(), 20u);
}

// Pages of one reader with options of their own, and what each reads alone.
TEST(ModelPageReader, EveryPageHasItsOptions) {
  const Model model = Model::load(testing::mini_folder);
  const auto options_of = [](int64_t tokens, Mode mode, const char* prompt) {
    ReadOptions options;
    options.max_tokens = tokens;
    options.mode = mode;
    options.prompt = prompt;
    return options;
  };
  const std::vector<ReadOptions> all = {options_of(12, Mode::tiny, "free"), options_of(7, Mode::small, "markdown"),
                                        options_of(20, Mode::tiny, "describe")};
  const auto read_pages = [&](const std::vector<ReadOptions>& pages) {
    ModelPageReader reader(model, raw_gundam(), 2);
    std::vector<Page> read(pages.size());
    size_t next = 0, done = 0;
    for (int steps = 0; done < pages.size() && steps < 20'000; ++steps) {
      while (reader.room() > 0 && next < pages.size()) {
        PageJob job = job_of(120, next);
        job.options = std::make_shared<const ReadOptions>(pages[next++]);
        reader.add(std::move(job));
      }
      std::vector<PageEvent> events;
      reader.step(events);
      for (PageEvent& event : events) {
        if (event.kind != PageEvent::Kind::finished) continue;
        read[event.ticket] = std::move(event.page);
        ++done;
      }
    }
    return read;
  };
  const std::vector<Page> together = read_pages(all);
  for (size_t i = 0; i < all.size(); ++i) {
    const Page alone = read_pages({all[i]})[0];
    EXPECT_EQ(together[i].raw, alone.raw) << i;
    EXPECT_EQ(together[i].stats.tokens, all[i].max_tokens);
    EXPECT_EQ(together[i].mode, all[i].mode);
  }
  PageJob wrong = job_of(120);
  wrong.options = std::make_shared<const ReadOptions>(options_of(1, Mode::tiny, "<image> and <image>"));
  ModelPageReader reader(model, raw_gundam(), 1);
  EXPECT_THROW(reader.add(std::move(wrong)), Error);
  EXPECT_EQ(reader.room(), 1);
}

TEST(ModelPageReader, ADeadlineEndsAPage) {
  ModelPageReader reader(Model::load(testing::mini_folder), raw_gundam(), 1);
  PageJob job = job_of(120);
  job.deadline = std::chrono::steady_clock::now();
  reader.add(std::move(job));
  std::vector<PageEvent> events;
  reader.step(events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, PageEvent::Kind::finished);
  EXPECT_EQ(events[0].page.finish, Finish::deadline);
}

}  // namespace
}  // namespace lectern
