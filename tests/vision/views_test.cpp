#include "vision/views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "image/picture_file.h"
#include "lectern/error.h"
#include "support/plans.h"
#include "vision/crc32.h"

namespace lectern {
namespace {

using testing::plan_of;

const std::string golden_folder = TEST_DATA "/goldens/";

nlohmann::json read_json(const std::string& name) { return nlohmann::json::parse(std::ifstream(golden_folder + name)); }

// The tiles below one another, as the goldens keep them.
Picture stack(const std::vector<Picture>& tiles) {
  Picture out(tiles[0].width, tiles[0].height * static_cast<int>(tiles.size()));
  out.rgb.clear();
  for (const Picture& tile : tiles) out.rgb.insert(out.rgb.end(), tile.rgb.begin(), tile.rgb.end());
  return out;
}

// file: a golden picture; where it is too large to keep, NAME.views.json holds its size and CRC-32.
void expect_golden(const Picture& got, const std::string& file) {
  const std::string name = file.substr(0, file.find('.'));
  if (std::ifstream(golden_folder + file).good()) {
    const Picture expected = read_picture(golden_folder + file);
    EXPECT_EQ(got.width, expected.width) << file;
    EXPECT_EQ(got.height, expected.height) << file;
    EXPECT_TRUE(got.rgb == expected.rgb) << file;
    return;
  }
  const auto expected =
      read_json(name + ".views.json").at(file.find(".whole.") != std::string::npos ? "whole" : "tiles");
  EXPECT_EQ(got.width, expected["width"].get<int>()) << file;
  EXPECT_EQ(got.height, expected["height"].get<int>()) << file;
  EXPECT_EQ(crc32(got.rgb), expected["crc32"].get<uint32_t>()) << file;
}

TEST(Views, EqualTheGoldens) {
  const auto cases = read_json("cases.json");
  ASSERT_EQ(cases.size(), 8u);
  for (const auto& c : cases) {
    SCOPED_TRACE(c["expected"].get<std::string>());
    const auto mode = named<Mode>(c["mode"].get<std::string>());
    ASSERT_TRUE(mode);
    const Views views = make_views(read_picture(golden_folder + c["image"].get<std::string>()), plan_of(*mode, 0));
    EXPECT_EQ(views.columns, c["grid"][0].get<int>());
    EXPECT_EQ(views.rows, c["grid"][1].get<int>());
    expect_golden(views.whole, c["whole_view"]);
    EXPECT_EQ(views.tiles.empty(), c["tiles"].is_null());
    if (views.tiles.empty()) continue;
    EXPECT_EQ(views.tiles.size(), static_cast<size_t>(views.columns * views.rows));
    expect_golden(stack(views.tiles), c["tiles"]);
  }
}

TEST(Views, TileGridEqualsTheGoldens) {
  const auto cases = read_json("tile_grid.json");
  ASSERT_GT(cases.size(), 50u);
  for (const auto& c : cases) {
    const std::pair<int, int> expected{c["grid"][0], c["grid"][1]};
    EXPECT_EQ(tile_grid(c["width"], c["height"], 640, 2, c["max_tiles"]), expected) << c;
  }
}

// Up to 32 tiles, and the tokens that they become.
TEST(Views, TileGridOfUnlimitedOcrEqualsTheGoldens) {
  const auto cases = read_json("unlimited-ocr/tile_grid.json");
  ASSERT_GT(cases.size(), 50u);
  const ViewPlan plan = description_of("unlimited-ocr").plan_of(Mode::gundam, false);
  for (const auto& c : cases) {
    const int width = c["width"], height = c["height"];
    std::pair<int, int> grid{1, 1};
    if (width > plan.tile || height > plan.tile) grid = tile_grid(width, height, plan.tile, 2, plan.max_tiles);
    EXPECT_EQ(grid, (std::pair<int, int>{c["grid"][0], c["grid"][1]})) << c;
    const int tiles = grid.first * grid.second;
    EXPECT_EQ(273 + (tiles == 1 ? 0 : (10 * grid.first + 1) * 10 * grid.second), c["image_tokens"]) << c;
  }
}

TEST(Views, ALimitOfTilesHolds) {
  ViewPlan plan = description_of("unlimited-ocr").plan_of(Mode::gundam, false);
  const Picture page(700, 1200);
  EXPECT_EQ(make_views(page, plan).tiles.size(), 28u);
  plan.max_tiles = 9;
  EXPECT_LE(make_views(page, plan).tiles.size(), 9u);
  plan.max_tiles = 1;
  EXPECT_TRUE(make_views(page, plan).tiles.empty());
}

TEST(Views, Plans) {
  for (const Mode mode : {Mode::tiny, Mode::small, Mode::base, Mode::large, Mode::gundam, Mode::native}) {
    EXPECT_EQ(plan_of(mode, 768).mode, mode);
  }
  EXPECT_EQ(plan_of(Mode::native, 768).whole, 768);
  EXPECT_EQ(plan_of(Mode::large, 768).whole, 1280);
  EXPECT_TRUE(plan_of(Mode::tiny, 0).squash);
  EXPECT_FALSE(plan_of(Mode::native, 64).squash);
}

TEST(Views, TilesOnlyWhenASideIsOver640) {
  const ViewPlan plan = plan_of(Mode::gundam, 0);
  EXPECT_TRUE(make_views(Picture(640, 640), plan).tiles.empty());
  EXPECT_EQ(make_views(Picture(641, 640), plan).tiles.size(), 4u);
  EXPECT_EQ(make_views(Picture(10, 641), plan).tiles.size(), 9u);
}

// A line one pixel wide keeps a column of its own in the middle of the padding.
TEST(Views, ExtremeAspectRatios) {
  for (const auto& [width, height] : {std::pair{1, 6000}, {6000, 1}, {1, 60000}, {1, 1}}) {
    Picture page(width, height);
    std::fill(page.rgb.begin(), page.rgb.end(), uint8_t{250});
    for (const Mode mode : {Mode::tiny, Mode::base, Mode::gundam, Mode::native}) {
      const Views views = make_views(page, plan_of(mode, 256));
      EXPECT_EQ(views.whole.width, plan_of(mode, 256).whole);
      EXPECT_EQ(views.whole.height, plan_of(mode, 256).whole);
      EXPECT_NE(std::find(views.whole.rgb.begin(), views.whole.rgb.end(), uint8_t{250}), views.whole.rgb.end());
    }
  }
}

TEST(Views, RefusesAPageOrAPlanWithoutPixels) {
  EXPECT_THROW(make_views(Picture(), plan_of(Mode::base, 0)), Error);
  EXPECT_THROW(make_views(Picture(5, 5), plan_of(Mode::native, 0)), Error);
}

}  // namespace
}  // namespace lectern
