#include "server/served_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "lectern/error.h"
#include "reading/models.h"

namespace lectern::server {
namespace {

using ::testing::HasSubstr;

ModelSource mini(const std::string& folder, const ReadingLimits& limits) {
  return model_source("ocr", TEST_DATA "/goldens/" + folder, {.device = "cpu"}, limits, {});
}

std::string refusal_of(const ServedModel& model, const PageOptions& options) {
  try {
    model.check(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// The last news of what is submitted.
struct Asked {
  PageNews read(ServedModel& model, const std::vector<Image>& images, const PageOptions& options) {
    model.submit(images, options, [this](PageNews told) {
      const std::lock_guard lock(mutex);
      if (told.kind == PageNews::Kind::text) text = text.substr(0, told.keep) + told.more;
      if (told.kind != PageNews::Kind::finished && told.kind != PageNews::Kind::failed) return;
      last = std::move(told);
      ended = true;
      news.notify_all();
    });
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return ended; });
    return last;
  }
  std::mutex mutex;
  std::condition_variable news;
  std::string text;
  PageNews last;
  bool ended = false;
};

TEST(ServedModel, ReadsPagesOfOneSequenceWhereItKnowsHow) {
  const auto model = mini("unlimited-ocr/mini", {.batch = 1}).load();
  const Image page = Image::from_file(TEST_DATA "/goldens/images/banner.png");
  PageOptions options;
  options.max_tokens = 12;
  options.pages_together = 2;
  EXPECT_EQ(refusal_of(*model, options), "");
  Asked asked;
  const PageNews end = asked.read(*model, {page, page}, options);
  EXPECT_EQ(end.kind, PageNews::Kind::finished) << end.error;
  EXPECT_EQ(end.answer.text, asked.text);
  EXPECT_EQ(end.answer.views, 2);
  ASSERT_EQ(end.further.size(), 1U);
  EXPECT_FALSE(end.further[0].answer.warnings.empty()) << "this model knows no <PAGE>";
  ASSERT_NE(end.further[0].page, nullptr);

  options.pages_together = 128;
  EXPECT_THAT(refusal_of(*model, options), HasSubstr("`pages_together` 128: "));
  options.pages_together = 2;
  options.mode = "gundam";
  EXPECT_THAT(refusal_of(*model, options), HasSubstr("in mode base alone"));
}

TEST(ServedModel, AllowsNoMoreTilesThanTheServer) {
  const auto model = mini("mini", {.batch = 1, .max_tiles = 4}).load();
  PageOptions options;
  options.max_tiles = 5;
  EXPECT_THAT(refusal_of(*model, options), HasSubstr("`max_tiles` 5: this server allows 4 at most"));
  options.max_tiles = 4;
  EXPECT_EQ(refusal_of(*model, options), "");
  options.mode = "base";
  EXPECT_THAT(refusal_of(*model, options), HasSubstr("cuts no page into tiles in mode base"));
  options.max_tiles = 0;
  EXPECT_EQ(refusal_of(*model, options), "") << "the server's bound is nobody's wish";
  options.mode = "auto";
  options.pages_together = 2;
  EXPECT_THAT(refusal_of(*model, options), HasSubstr("not several in one sequence"));
}

}  // namespace
}  // namespace lectern::server
