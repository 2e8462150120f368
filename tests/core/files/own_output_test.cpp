#include "core/files/own_output.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/temp_folder.h"
#include "image/picture_encoder.h"
#include "image/picture_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using testing::TempFolder;
namespace fs = std::filesystem;

std::string png() {
  Picture picture(3, 2);
  picture.rgb[4] = 200;
  return encode_png(picture);
}

TEST(OwnOutput, BearsItsMark) {
  const TempFolder folder;
  EXPECT_TRUE(is_own_output(folder.write("a.png", with_png_mark(png()))));
  EXPECT_FALSE(is_own_output(folder.write("b.png", png())));
  EXPECT_TRUE(is_own_output(folder.write("c.pdf", "%PDF-1.5\n%\xbf\xf7\xa2\xfe\n" + std::string(pdf_mark))));
  EXPECT_TRUE(is_own_output(folder.write("d.pdf", "%PDF-1.5\n << /Producer (Lectern 0.1.0) >>")));
  EXPECT_FALSE(is_own_output(folder.write("e.pdf", "%PDF-1.5\n << /Producer (Scanner) >>")));
  EXPECT_FALSE(is_own_output(folder / "none.png"));
}

TEST(OwnOutput, OfJsonAndTensorsBearsItsMarkToo) {
  const TempFolder folder;
  EXPECT_TRUE(is_own_output(folder.write("a.json", "{\"schema\": \"lectern-document/1\",\n\"pages\": []}")));
  EXPECT_TRUE(is_own_output(folder.write("b.json", "{\n \"schema\": \"lectern-report/1\",\n \"pages\": 1}")));
  EXPECT_TRUE(is_own_output(folder.write("b.json", "{\"schema\":\"lectern-report/1\"}"))) << "written anew by jq";
  EXPECT_TRUE(is_own_output(folder.write("c.journal", "{\"dpi\":0,\"lectern_journal\":3}\n")));
  EXPECT_FALSE(is_own_output(folder.write("d.json", "{\"schema\": \"another\", \"by\": \"lectern-document/1\"}")));
  EXPECT_FALSE(is_own_output(folder.write("e.json", "{\"name\": \"lectern_journal\"}")));
  EXPECT_FALSE(is_own_output(folder.write("f.json", "{}")));
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\",\"written_by\":\"lectern\"}}";
  EXPECT_TRUE(is_own_output(folder.write("t.safetensors", std::string("\x38\0\0\0\0\0\0\0", 8) + header)));
  EXPECT_FALSE(is_own_output(folder.write("u.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10))));
}

TEST(OwnOutput, AMarkedPictureIsTheSamePicture) {
  const TempFolder folder;
  const Picture before = read_picture(folder.write("a.png", png()));
  EXPECT_EQ(read_picture(folder.write("b.png", with_png_mark(png()))).rgb, before.rgb);
  EXPECT_THROW(with_png_mark("no picture"), Error);
  EXPECT_THROW(with_png_mark("\x89PNG"), Error);
}

TEST(OwnOutput, OfOlderVersionsIsToldByItsNameBesideItsDocument) {
  const TempFolder folder;
  for (const auto* name : {"a_boxes", "b_figures", "c_figures"}) fs::create_directory(folder / name);
  folder.write("a.md", "text");
  folder.write("b.md", "text");
  EXPECT_TRUE(is_own_output(folder.write("a.boxes.png", png())));
  EXPECT_FALSE(is_own_output(folder.write("z.boxes.png", png()))) << "there is no document";
  EXPECT_TRUE(is_own_output(folder.write("a_boxes/page-1.png", png())));
  EXPECT_TRUE(is_own_output(folder.write("b_figures/page-1-figure-2.png", png())));
  EXPECT_FALSE(is_own_output(folder.write("b_figures/chart.png", png())));
  EXPECT_FALSE(is_own_output(folder.write("c_figures/page-1-figure-1.png", png()))) << "there is no document";
}

}  // namespace
}  // namespace lectern
