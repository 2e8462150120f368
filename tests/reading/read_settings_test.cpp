#include "reading/read_settings.h"

#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

ReadOptions gundam(int max_tiles = 0) {
  ReadOptions options;
  options.mode = Mode::gundam;
  options.max_tiles = max_tiles;
  return options;
}

TEST(ReadSettings, RefuseSamplingThatMeansNothing) {
  const Model model = Model::load(testing::mini_folder);
  ReadOptions options = gundam();
  options.temperature = -1;
  EXPECT_THROW(check_read_options(model, options), Error);
  options.temperature = 1;
  options.top_p = 0;
  EXPECT_THROW(check_read_options(model, options), Error);
  options.top_p = 1;
  check_read_options(model, options);
}

TEST(ReadSettings, TilesAreAtMostThoseOfTheModel) {
  const Model model = Model::load(testing::mini_folder);
  const int trained = ReadSettings(model.files(), gundam()).plan.max_tiles;
  ASSERT_GT(trained, 3);
  EXPECT_EQ(ReadSettings(model.files(), gundam(3)).plan.max_tiles, 3);
  EXPECT_EQ(ReadSettings(model.files(), gundam(trained + 1)).plan.max_tiles, trained);
  EXPECT_THROW(ReadSettings(model.files(), gundam(-1)), Error);
}

std::string refusal_of(const Model& model, const ReadOptions& options, int pages_together = 1) {
  try {
    check_max_tiles(model, options, pages_together);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    return error.what();
  }
  return "";
}

TEST(ReadSettings, RefuseTilesThatChangeNothing) {
  const Model model = Model::load(testing::mini_folder);
  ReadOptions options = gundam(9);
  EXPECT_EQ(refusal_of(model, options), "");
  options.max_tiles = 10;
  EXPECT_EQ(refusal_of(model, options),
            "`max_tiles` 10: DeepSeek-OCR was trained with 9 tiles at most; use that or fewer, or leave it out");
  options.mode = Mode::base;
  options.max_tiles = 2;
  EXPECT_EQ(refusal_of(model, options),
            "`max_tiles` 2: DeepSeek-OCR cuts no page into tiles in mode base; leave it out, or use `mode` gundam");
  for (const int harmless : {0, 1}) {
    options.max_tiles = harmless;
    EXPECT_EQ(refusal_of(model, options), "");
  }
  const Model of_pages = Model::load(testing::mini_folder / "../unlimited-ocr/mini");
  options = gundam(32);
  EXPECT_EQ(refusal_of(of_pages, options), "");
  EXPECT_EQ(refusal_of(of_pages, options, 2),
            "`max_tiles` 32: Unlimited-OCR cuts none of several pages together into tiles; leave it out");
}

TEST(ReadSettings, ABatchIsAsAskedOrFitsTheDevice) {
  const Model model = Model::load(testing::mini_folder);
  EXPECT_EQ(batch_size(model, 5), 5);
  const int chosen = batch_size(model, 0);
  EXPECT_GE(chosen, 1);
  EXPECT_LE(chosen, model.loaded().device.info().preferred_batch);
}

TEST(ReadSettings, TheCacheHoldsOneContextAtLeast) {
  const Model model = Model::load(testing::mini_folder);
  const int64_t context = model.loaded().decoder.config().context;
  EXPECT_EQ(cache_positions(model.loaded(), 1), context);
  EXPECT_GE(cache_positions(model.loaded(), 4), context);
  EXPECT_LE(cache_positions(model.loaded(), 4), 4 * context);
}

}  // namespace
}  // namespace lectern
