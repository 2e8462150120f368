#include "reading/model_page_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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
  DocumentPage page;
  std::string shown;
  int pages = 0;
  int restarts = 0;
};

Reading read(const Model& model, int height, std::stop_source stop = {}, int stop_at_restart = 0) {
  ReadOptions options;
  options.mode = "gundam";
  options.raw = true;
  ModelPageReader reader(model, options, 1);
  Reading reading;
  PageJob job;
  auto picture = std::make_shared<Picture>(200, height);
  std::ranges::fill(picture->rgb, uint8_t{255});
  job.page.number = 1;
  job.page.width = picture->width;
  job.page.height = picture->height;
  job.picture = picture;
  job.stop = stop.get_token();
  job.text = [&](size_t keep, std::string_view more) {
    if (keep == 0 && more.empty() && ++reading.restarts == stop_at_restart) stop.request_stop();
    ASSERT_LE(keep, reading.shown.size());
    reading.shown.resize(keep);
    reading.shown += more;
  };
  job.done = [&](DocumentPage page) {
    reading.page = std::move(page);
    ++reading.pages;
  };
  reader.add(std::move(job));
  for (int steps = 0; reading.pages == 0 && steps < 20'000; ++steps) reader.step();
  EXPECT_EQ(reader.room(), 1);
  return reading;
}

bool warns_of_repetition(const DocumentPage& page) {
  return std::ranges::any_of(page.warnings, [](const Warning& warning) {
    return warning.code == "repetition" && warning.message.find("may be missing") != std::string::npos;
  });
}

TEST(ModelPageReader, APageThatLoopsIsReadAgainInHalvesAndMarked) {
  const LoopingModel looping;
  const Reading reading = read(Model::load(looping.copy.path()), 120);
  EXPECT_EQ(reading.pages, 1);
  EXPECT_EQ(reading.restarts, 1);
  EXPECT_EQ(reading.page.finish, "loop");
  EXPECT_EQ(reading.page.guard.action, "halves");
  EXPECT_FALSE(reading.page.guard.recovered);
  EXPECT_GE(reading.page.guard.loops, 3);
  EXPECT_GT(reading.page.guard.dropped, 900);
  EXPECT_LT(reading.page.tokens, 600);
  EXPECT_TRUE(warns_of_repetition(reading.page));
  EXPECT_EQ(reading.shown, reading.page.raw);
}

TEST(ModelPageReader, AStopWhileAPageIsReadAgainKeepsWhatThereIs) {
  const LoopingModel looping;
  const Reading reading = read(Model::load(looping.copy.path()), 120, {}, 1);
  EXPECT_EQ(reading.pages, 1);
  EXPECT_EQ(reading.page.finish, "loop");
  EXPECT_EQ(reading.shown, reading.page.raw);
  EXPECT_TRUE(warns_of_repetition(reading.page));
}

}  // namespace
}  // namespace lectern
