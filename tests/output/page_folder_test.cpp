#include "output/page_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/files/own_output.h"
#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "lectern/error.h"
#include "support/pages.h"

namespace lectern {
namespace {

using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

TEST(PageFolder, GetsItsPicturesAtOnce) {
  const TempFolder folder;
  Spool kept(folder.path());
  const PicturePlaces pictures = {{"page-1.png", kept.add("first")}, {"page-2.png", kept.add("second")}};
  EXPECT_FALSE(fs::exists(folder / "x_boxes"));
  put_pictures(folder / "x_boxes", kept, pictures);
  EXPECT_EQ(slurp(folder / "x_boxes/page-1.png"), "first");
  EXPECT_EQ(slurp(folder / "x_boxes/page-2.png"), "second");
  folder.write("file", "in the way");
  EXPECT_THROW(put_pictures(folder / "file", kept, pictures), Error);
}

TEST(PageFolder, CountsPicturesOfEarlierRuns) {
  const TempFolder folder;
  Spool kept(folder.path());
  const PicturePlaces pictures = {{"page-1.png", kept.add("first")}};
  EXPECT_EQ(older_pictures(folder / "x_boxes", pictures), "") << "it is not there";
  put_pictures(folder / "x_boxes", kept, pictures);
  const std::string png = with_png_mark(encode_png(testing::picture_of(4, 3)));
  folder.write("x_boxes/other.png", png);
  folder.write("x_boxes/page-mine.png", "mine");
  EXPECT_EQ(older_pictures(folder / "x_boxes", pictures), "");
  folder.write("x_boxes/page-2.png", png);
  folder.write("x_boxes/page-3.png", png);
  EXPECT_EQ(older_pictures(folder / "x_boxes", pictures),
            (folder / "x_boxes").string() + ": 2 pictures of an earlier run lie beside those of this one");
}

}  // namespace
}  // namespace lectern
