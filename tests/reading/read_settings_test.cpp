#include "reading/read_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"
#include "reading/model_parts.h"
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

TEST(ReadSettings, RefuseCountsBelowZero) {
  const Model model = Model::load(testing::mini_folder);
  ReadOptions options = gundam();
  options.max_tokens = -1;
  EXPECT_THAT([&] { check_read_options(model, options); },
              ::testing::ThrowsMessage<Error>("`max_tokens` -1: expected 0, for as many as fit, or more"));
  EXPECT_THAT([&] { batch_size(model, -2); },
              ::testing::ThrowsMessage<Error>("`batch` -2: expected 0, for as many as speed it up, or more"));
}

TEST(ReadSettings, TilesAreAtMostThoseOfTheModel) {
  const Model model = Model::load(testing::mini_folder);
  const int trained = ReadSettings(files_of(model), gundam()).plan.max_tiles;
  ASSERT_GT(trained, 3);
  EXPECT_EQ(ReadSettings(files_of(model), gundam(3)).plan.max_tiles, 3);
  EXPECT_EQ(ReadSettings(files_of(model), gundam(trained + 1)).plan.max_tiles, trained);
  EXPECT_THROW(ReadSettings(files_of(model), gundam(-1)), Error);
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
  EXPECT_LE(chosen, loaded_of(model).device.info().preferred_batch);
}

TEST(ReadSettings, TheCacheHoldsOneContextAtLeast) {
  const Model model = Model::load(testing::mini_folder);
  const int64_t context = loaded_of(model).decoder.config().context;
  EXPECT_EQ(cache_positions(loaded_of(model), 1), context);
  EXPECT_GE(cache_positions(loaded_of(model), 4), context);
  EXPECT_LE(cache_positions(loaded_of(model), 4), 4 * context);
}

}  // namespace
}  // namespace lectern
