#include "vision/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "lectern/error.h"
#include "support/mini_model.h"
#include "support/values.h"

namespace lectern {
namespace {

using testing::mini_folder;
using testing::Random;
using testing::relative_error;

constexpr int64_t hidden = 128;  // of mini, as are the channels of SAM and the width of CLIP

struct Mini {
  const Checkpoint checkpoint = Checkpoint::open(mini_folder);
  const std::unique_ptr<const VisionEncoder> own = make_vision_encoder({checkpoint, cpu_device(), WeightFormat::f32});
  const VisionEncoder& encoder = *own;

  std::vector<float> vector(const std::string& name) const {
    const Tensor values = floats_from_host(cpu_device(), checkpoint.weight(name, {hidden}));
    return {values.floats(), values.floats() + hidden};
  }
};

const Mini& mini() {
  static const Mini model;
  return model;
}

Picture noise(Random& random, int size) {
  Picture picture(size, size);
  for (uint8_t& level : picture.rgb) level = static_cast<uint8_t>(random.bits());
  return picture;
}

Views views_of(Random& random, int whole, int tile = 0, int columns = 1, int rows = 1) {
  Views views;
  views.whole = noise(random, whole);
  views.columns = columns;
  views.rows = rows;
  for (int i = 0; tile > 0 && i < columns * rows; ++i) views.tiles.push_back(noise(random, tile));
  return views;
}

std::vector<float> rows_of(const EncodedPage& page, int64_t first, int64_t count) {
  return {page.sequence.floats() + first * hidden, page.sequence.floats() + (first + count) * hidden};
}

TEST(Encoder, OneViewIsItsLinesAndTheSeparator) {
  Random random(1);
  const EncodedPage page = mini().encoder.encode(views_of(random, 192));
  ASSERT_EQ(page.sequence.shape(), (Shape{3 * 4 + 1, hidden}));
  for (const int64_t line : {3, 7, 11}) EXPECT_EQ(rows_of(page, line, 1), mini().vector("model.image_newline"));
  EXPECT_EQ(rows_of(page, 12, 1), mini().vector("model.view_seperator"));
  EXPECT_NE(rows_of(page, 2, 1), rows_of(page, 3, 1));
}

TEST(Encoder, TilesComeFirstAsOnePicture) {
  Random random(2);
  constexpr int columns = 3, rows = 2;
  constexpr int64_t side = 2;  // rows of the sequence along a tile of 128 pixels
  const Views views = views_of(random, 64, 128, columns, rows);
  const EncodedPage page = mini().encoder.encode(views);
  constexpr int64_t line = columns * side + 1;
  ASSERT_EQ(page.sequence.shape(), (Shape{rows * side * line + 2 + 1, hidden}));
  for (int64_t i = 0; i < rows * side; ++i)
    EXPECT_EQ(rows_of(page, i * line + line - 1, 1), mini().vector("model.image_newline"));
  for (int tile = 0; tile < columns * rows; ++tile) {
    Views alone;
    alone.whole = views.tiles[static_cast<size_t>(tile)];
    const EncodedPage expected = mini().encoder.encode(alone);
    for (int64_t i = 0; i < side; ++i) {
      EXPECT_LT(relative_error(rows_of(page, (tile / columns * side + i) * line + tile % columns * side, side),
                               rows_of(expected, i * (side + 1), side)),
                2e-5)
          << "tile " << tile << " line " << i;
    }
  }
  Views whole;
  whole.whole = views.whole;
  EXPECT_LT(relative_error(rows_of(page, rows * side * line, 3), rows_of(mini().encoder.encode(whole), 0, 3)), 2e-5);
}

TEST(Encoder, StagesAreKeptOnlyWhenAskedFor) {
  Random random(3);
  const Views views = views_of(random, 192, 128, 2, 1);
  const EncodedPage without = mini().encoder.encode(views);
  EXPECT_TRUE(without.whole.empty());
  EXPECT_TRUE(without.tiles.empty());
  const EncodedPage with = mini().encoder.encode(views, true);
  const auto expect_stages = [](const VisionStages& stages, const Shape& sam, const Shape& clip) {
    ASSERT_EQ(stages.size(), 2u);
    EXPECT_EQ(stages[0].name, "sam");
    EXPECT_EQ(stages[0].values.shape(), sam);
    EXPECT_EQ(stages[1].name, "clip");
    EXPECT_EQ(stages[1].values.shape(), clip);
  };
  expect_stages(with.whole, {1, 3, 3, hidden}, {1, 10, hidden});
  expect_stages(with.tiles, {2, 2, 2, hidden}, {2, 5, hidden});
  const int64_t length = without.sequence.shape()[0];
  EXPECT_EQ(rows_of(with, 0, length), rows_of(without, 0, length));
}

// Pages are encoded in turns, the tiles one by one or together: the rows are the same bits.
TEST(EncodingTask, LayerByLayerGivesWhatOneCallGives) {
  Random random(4);
  std::vector<std::shared_ptr<const Views>> pages;
  for (const auto& [columns, rows] : {std::pair(1, 1), {2, 1}}) {
    pages.push_back(std::make_shared<const Views>(views_of(random, 128, columns * rows > 1 ? 64 : 0, columns, rows)));
  }
  for (const bool one_by_one : {false, true}) {
    std::vector<EncodingTask> tasks;
    for (const auto& views : pages) tasks.emplace_back(mini().encoder, views);
    std::vector<int> layers(pages.size(), 0);
    std::vector<bool> done(pages.size(), false);
    while (std::ranges::count(done, false) > 0) {
      for (size_t i = 0; i < tasks.size(); ++i) {
        if (done[i]) continue;
        ++layers[i];
        done[i] = tasks[i].advance(one_by_one);
      }
    }
    EXPECT_GT(layers[0], 3);
    EXPECT_EQ(layers[1], (one_by_one ? 3 : 2) * layers[0]);
    for (size_t i = 0; i < tasks.size(); ++i) {
      const EncodedPage page = tasks[i].take();
      const EncodedPage expected = mini().encoder.encode(*pages[i]);
      const int64_t rows = expected.sequence.shape()[0];
      EXPECT_EQ(mini().encoder.rows_of(*pages[i]), rows);
      ASSERT_EQ(page.sequence.shape(), expected.sequence.shape());
      EXPECT_EQ(rows_of(page, 0, rows), rows_of(expected, 0, rows)) << i << ' ' << one_by_one;
    }
  }
}

// Tables of positions are made for one size, then another, and kept.
TEST(Encoder, SizesInAnyOrderGiveTheSame) {
  Random random(5);
  const Views small = views_of(random, 64);
  const Views large = views_of(random, 256);
  const Mini fresh;
  const std::vector<float> expected = rows_of(mini().encoder.encode(large), 0, 21);
  fresh.encoder.encode(small);
  EXPECT_EQ(rows_of(fresh.encoder.encode(large), 0, 21), expected);
  fresh.encoder.encode(small);
  EXPECT_EQ(rows_of(fresh.encoder.encode(large), 0, 21), expected);
}

}  // namespace
}  // namespace lectern
