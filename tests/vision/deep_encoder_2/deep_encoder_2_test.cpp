#include "vision/deep_encoder_2/deep_encoder_2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lectern/error.h"
#include "support/bits.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::different_bits;
using ::testing::HasSubstr;
using testing::Random;
using testing::relative_error;
using ::testing::ThrowsMessage;

constexpr int64_t hidden = 64;  // of mini, as are SAM's channels
constexpr int64_t tile_rows = 144, whole_rows = 256;

struct Mini2 {
  const Checkpoint checkpoint = Checkpoint::open(TEST_DATA "/goldens/deepseek-ocr-2/mini");
  const WeightLoader load{checkpoint, cpu_device(), WeightFormat::f32};
  const DeepEncoder2 encoder{load};
  const Qwen2 qwen2{load, hidden};
};

const Mini2& mini() {
  static const Mini2 model;
  return model;
}

Picture noise(Random& random, int size) {
  Picture picture(size, size);
  for (uint8_t& level : picture.rgb) level = static_cast<uint8_t>(random.bits());
  return picture;
}

std::vector<float> rows_of(const Tensor& rows, int64_t first, int64_t count) {
  return {rows.floats() + first * hidden, rows.floats() + (first + count) * hidden};
}

TEST(DeepEncoder2, TileAfterTileThenThePageAndTheSeparator) {
  Random random(1);
  Views views;
  views.whole = noise(random, 1024);
  views.columns = 2;
  for (int i = 0; i < 2; ++i) views.tiles.push_back(noise(random, 768));
  const VisionEncoder& encoder = mini().encoder;
  ASSERT_EQ(encoder.rows_of(views), 2 * tile_rows + whole_rows + 1);
  const EncodedPage page = encoder.encode(views);
  ASSERT_EQ(page.sequence.shape(), (Shape{2 * tile_rows + whole_rows + 1, hidden}));
  for (int i = 0; i < 2; ++i) {
    Views alone;
    alone.whole = views.tiles[static_cast<size_t>(i)];
    ASSERT_EQ(encoder.rows_of(alone), tile_rows + 1);
    const EncodedPage expected = encoder.encode(alone);
    EXPECT_EQ(
        different_bits(rows_of(page.sequence, i * tile_rows, tile_rows), rows_of(expected.sequence, 0, tile_rows)), 0);
  }
  const Tensor separator = mini().load.vector("model.view_seperator", {hidden});
  EXPECT_EQ(rows_of(page.sequence, 2 * tile_rows + whole_rows, 1), rows_of(separator, 0, 1));

  // One by one, with other work in between: the same bits.
  EncodingTask task(encoder, {std::shared_ptr<void>(), &views});
  while (!task.advance(true)) {
  }
  const int64_t rows = page.sequence.shape()[0];
  EXPECT_EQ(different_bits(rows_of(task.take().sequence, 0, rows), rows_of(page.sequence, 0, rows)), 0);
}

// Tiles of version 1, and every other size, are no views of this model.
TEST(DeepEncoder2, TakesViewsOf768And1024PixelsAlone) {
  for (const int size : {512, 640, 704, 832, 1280}) {
    Views views;
    views.whole = Picture(size, size);
    const auto expected = ThrowsMessage<Error>(HasSubstr("views have 768 or 1024 pixels"));
    EXPECT_THAT([&] { mini().encoder.rows_of(views); }, expected) << size;
    EXPECT_THAT([&] { mini().encoder.encode(views); }, expected) << size;
    views.whole = Picture(1024, 1024);
    views.tiles.emplace_back(size, size);
    EXPECT_THAT([&] { mini().encoder.rows_of(views); }, expected) << size;
  }
}

// x through all layers but the last, of one view.
Tensor run(const std::vector<float>& features, int64_t side, int64_t changed_row = -1) {
  const Qwen2& qwen2 = mini().qwen2;
  Tensor x = qwen2.embed(from_host(cpu_device(), features, {1, side, side, hidden}));
  if (changed_row >= 0) x.floats()[changed_row * hidden] += 1;
  const std::unique_ptr<const StepBatch> positions = qwen2.positions(x.shape());
  for (int i = 0; i + 1 < qwen2.layers(); ++i) qwen2.run_layer(i, x, *positions);
  return x;
}

std::vector<int64_t> changed_rows(const Tensor& a, const Tensor& b) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < a.shape()[1]; ++i) {
    if (rows_of(a, i, 1) != rows_of(b, i, 1)) rows.push_back(i);
  }
  return rows;
}

// A picture row sees the picture and no query; a query sees the picture and the queries before it, itself included.
TEST(Qwen2, SeesThePictureAndTheQueriesUpToItself) {
  Random random(2);
  constexpr int64_t side = 12;
  const std::vector<float> features = random.values(side * side * hidden);
  const Tensor expected = run(features, side);
  std::vector<int64_t> all(2 * tile_rows);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  EXPECT_EQ(changed_rows(run(features, side, tile_rows - 1), expected), all) << "the last of the picture";
  for (const int64_t query : {int64_t{0}, int64_t{100}, tile_rows - 1}) {
    EXPECT_EQ(changed_rows(run(features, side, tile_rows + query), expected),
              std::vector<int64_t>(all.begin() + tile_rows + query, all.end()))
        << query;
  }
}

// Rows that are alike but for their place differ: their queries and keys are turned by position.
TEST(Qwen2, KnowsWhereARowStands) {
  constexpr int64_t side = 12;
  Random random(3);
  std::vector<float> features = random.values(side * side * hidden);
  const Tensor expected = run(features, side);
  std::swap_ranges(features.begin(), features.begin() + hidden, features.begin() + 50 * hidden);
  const Tensor swapped = run(features, side);
  EXPECT_GT(relative_error(rows_of(swapped, 50, 1), rows_of(expected, 0, 1)), 1e-3);
  EXPECT_GT(relative_error(rows_of(swapped, tile_rows, tile_rows), rows_of(expected, tile_rows, tile_rows)), 1e-4);
}

// The tail of the last layer works on the queries alone, and gives what a whole layer would give them.
TEST(Qwen2, LastLayerGivesTheQueriesOfAWholeLayer) {
  Random random(4);
  constexpr int64_t side = 12;
  const Qwen2& qwen2 = mini().qwen2;
  const Tensor x = run(random.values(side * side * hidden), side);
  const std::unique_ptr<const StepBatch> positions = qwen2.positions(x.shape());
  const Tensor queries = qwen2.run_last_layer(x, *positions);
  ASSERT_EQ(queries.shape(), (Shape{1, tile_rows, hidden}));
  qwen2.run_layer(qwen2.layers() - 1, x, *positions);
  EXPECT_EQ(different_bits(rows_of(queries, 0, tile_rows), rows_of(x, tile_rows, tile_rows)), 0);
}

}  // namespace
}  // namespace lectern
