// Files that are no raw text are told apart by their bytes.
#include "layout/raw_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

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

std::string text_of(const std::string& bytes) { return raw_text(bytes, "x").text; }

TEST(RawText, IsUtf8WithoutAMark) {
  EXPECT_EQ(text_of("# A\n"), "# A\n");
  EXPECT_EQ(text_of("\xEF\xBB\xBF# A\xFF\n"), "# A\xFF\n") << "what is no UTF-8 is left to the layout";
  EXPECT_EQ(text_of("BMW and II* and PKZIP"), "BMW and II* and PKZIP");
}

TEST(RawText, DecodesUtf16) {
  EXPECT_EQ(text_of("\xFF\xFE#\0 \0\xE9\0\x3D\xD8\x00\xDE\n\0"s), "# é😀\n");
  EXPECT_EQ(text_of("\xFE\xFF\0#\0 \0\xE9\xD8\x3D\xDE\x00"s), "# é😀");
  EXPECT_EQ(text_of("\xFE\xFF\xD8\x3D\0a\0"s), "\uFFFDa") << "half of a pair, and half of a unit";
  EXPECT_EQ(text_of("t\0e\0x\0t\0"s), "text");
  EXPECT_EQ(text_of("\0t\0e\0x\0t"s), "text");
}

TEST(RawText, DecodesUtf32) {
  const std::string little = "#\0\0\0 \0\0\0\xE9\0\0\0\x00\xF6\x01\0\n\0\0\0"s;
  const std::string big = "\0\0\0#\0\0\0 \0\0\0\xE9\0\x01\xF6\x00\0\0\0\n"s;
  EXPECT_EQ(text_of("\xFF\xFE\0\0"s + little), "# é😀\n");
  EXPECT_EQ(text_of("\0\0\xFE\xFF"s + big), "# é😀\n");
  EXPECT_EQ(text_of("t\0\0\0e\0\0\0"s), "te");
  EXPECT_EQ(text_of("\0\0\0t\0\0\0e"s), "te");
  EXPECT_EQ(text_of("\0\0\xFE\xFF\0\x11\0\0\0\0\0a"s), "\uFFFDa") << "beyond the last character";
}

TEST(RawText, CountsLinesThatAreNoText) {
  const auto lines_of = [](const std::string& bytes) {
    const RawText found = raw_text(bytes, "x");
    return std::pair(found.first_bad_line, found.bad_lines);
  };
  EXPECT_EQ(lines_of("Grüße\n"), std::pair(size_t{0}, size_t{0}));
  EXPECT_EQ(lines_of("# A\nGr\xFC\xDF"
                     "e\nGr\xFC\xDF"
                     "e\n"),
            std::pair(size_t{2}, size_t{2}))
      << "Latin-1";
  EXPECT_EQ(lines_of("a\nb\xE2\x82"), std::pair(size_t{2}, size_t{1})) << "cut within a character";
  EXPECT_EQ(lines_of("\xFF\xFE"
                     "a\0\n\0\x3D\xD8"
                     "b\0"s),
            std::pair(size_t{2}, size_t{1}));
  EXPECT_EQ(lines_of("\xFF\xFE"
                     "a\0\n\0b"s),
            std::pair(size_t{2}, size_t{1}))
      << "half of a unit";
  EXPECT_TRUE(
      has_bad_utf8("Gr\xFC\xDF"
                   "e"));
  EXPECT_FALSE(has_bad_utf8("Grüße"));
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
  EXPECT_THAT(refused("\x7F"
                      "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3"s),
              HasSubstr("holds bytes that are no text; "));
  EXPECT_EQ(refused(std::string(100, 'a') + '\0' + std::string(100, 'a')), "") << "a stray one";
  EXPECT_THAT(refused("{\"schema\": \"lectern-document/1\",\n"), HasSubstr("is JSON that Lectern wrote"));
  EXPECT_EQ(refused("{\"schema\": 1}"), "") << "a page may show JSON";
  EXPECT_EQ(refused("The mark %PDF-1.7 begins a PDF"), "");
}

}  // namespace
}  // namespace lectern
