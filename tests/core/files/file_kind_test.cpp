#include "core/files/file_kind.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "core/temp_folder.h"

namespace lectern {
namespace {

using namespace std::string_literals;
using testing::TempFolder;

TEST(FileKinds, AreToldByTheFirstBytes) {
  EXPECT_EQ(kind_of_bytes(""), FileKind::empty);
  EXPECT_EQ(kind_of_bytes("\x89PNG\r\n"), FileKind::png);
  EXPECT_EQ(kind_of_bytes("\xff\xd8\xff\xe0"), FileKind::picture);
  EXPECT_EQ(kind_of_bytes("II*\0"s), FileKind::picture);
  EXPECT_EQ(kind_of_bytes("\0\0\0\x18"
                          "ftypheic"s),
            FileKind::picture);
  EXPECT_EQ(kind_of_bytes("rubbish\n%PDF-1.4"), FileKind::pdf);
  EXPECT_EQ(kind_of_bytes("\x20\0\0\0\0\0\0\0{\"a\":"s), FileKind::safetensors);
  EXPECT_EQ(kind_of_bytes("\n {\"a\": 1}"), FileKind::json);
  EXPECT_EQ(kind_of_bytes("\xff\xfe"
                          "a\0b\0"s),
            FileKind::binary);
  EXPECT_EQ(kind_of_bytes("# A title\n"), FileKind::text);
  EXPECT_EQ(kind_of_bytes("Grüße"), FileKind::text);
}

TEST(FileKinds, JsonIsSoFromItsBeginningToItsEnd) {
  const TempFolder folder;
  EXPECT_TRUE(is_json(folder.write("a", " {\"a\": [1, 2]}\n")));
  EXPECT_FALSE(is_json(folder.write("b", "{a} is the first set")));
  EXPECT_FALSE(is_json(folder.write("c.txt", "[3]\n"))) << "a note";
  EXPECT_TRUE(is_json(folder.write("c.json", "[3]\n")));
  EXPECT_FALSE(is_json(folder.write("d.json", "text")));
  EXPECT_TRUE(is_json(folder.write("deep.json", std::string(100'000, '[') + std::string(100'000, ']'))));
  EXPECT_FALSE(is_json(folder / "none.json"));
}

TEST(FirstBytes, AreOfRegularFilesAloneAndNeverWaitedFor) {
  const TempFolder folder;
  EXPECT_EQ(first_bytes(folder.write("a", "abcdef"), 3), "abc");
  EXPECT_EQ(first_bytes(folder.write("b", "ab"), 3), "ab");
  EXPECT_EQ(first_bytes(folder / "none"), "");
  EXPECT_EQ(first_bytes(folder.path()), "");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(first_bytes(folder / "pipe"), "");
}

}  // namespace
}  // namespace lectern
