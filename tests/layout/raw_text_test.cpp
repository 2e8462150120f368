// Files that are no raw text are told apart by their bytes.
#include "layout/raw_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lectern/error.h"

namespace lectern {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

std::string refused(const std::string& bytes, const std::string& name = "x.mmd") {
  try {
    raw_text(bytes, name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RawText, IsUtf8WithoutAMark) {
  EXPECT_EQ(raw_text("# A\n", "x"), "# A\n");
  EXPECT_EQ(raw_text("\xEF\xBB\xBF# A\xFF\n", "x"), "# A\xFF\n") << "what is no UTF-8 is left to the layout";
  EXPECT_EQ(raw_text("BMW and II* and PKZIP", "x"), "BMW and II* and PKZIP");
}

TEST(RawText, DecodesUtf16) {
  EXPECT_EQ(raw_text("\xFF\xFE#\0 \0\xE9\0\x3D\xD8\x00\xDE\n\0"s, "x"), "# é😀\n");
  EXPECT_EQ(raw_text("\xFE\xFF\0#\0 \0\xE9\xD8\x3D\xDE\x00"s, "x"), "# é😀");
  EXPECT_EQ(raw_text("\xFE\xFF\xD8\x3D\0a\0"s, "x"), "\uFFFDa") << "half of a pair, and half of a unit";
  EXPECT_EQ(raw_text("t\0e\0x\0t\0"s, "x"), "text");
  EXPECT_EQ(raw_text("\0t\0e\0x\0t"s, "x"), "text");
}

TEST(RawText, RefusesWhatIsNone) {
  EXPECT_THAT(refused(""), HasSubstr("x.mmd: is empty; expected the text that a model wrote"));
  EXPECT_THAT(refused("", "-"), HasSubstr("standard input: is empty"));
  for (const std::string& picture :
       {"\x89PNG\r\n\x1a\n"s, "\xFF\xD8\xFF\xE0"s, "GIF89a\1"s, "II*\0\1"s, "MM\0*\1"s, "RIFF\1\2\3\4WEBPVP8 "s,
        "\0\0\0\x1C"
        "ftypheic"s,
        "BM\x36\0\0\0"s}) {
    EXPECT_THAT(refused(picture), HasSubstr("is a picture; ")) << picture;
  }
  EXPECT_THAT(refused("\n%PDF-1.7\n"), HasSubstr("is a PDF; "));
  EXPECT_THAT(refused("PK\x03\x04"s), HasSubstr("is an archive; "));
  EXPECT_THAT(refused("{\"schema\": \"lectern-document/1\",\n"), HasSubstr("is JSON that Lectern wrote"));
  EXPECT_EQ(refused("{\"schema\": 1}"), "") << "a page may show JSON";
  EXPECT_EQ(refused("The mark %PDF-1.7 begins a PDF"), "");
}

}  // namespace
}  // namespace lectern
