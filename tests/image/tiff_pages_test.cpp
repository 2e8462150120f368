#include "image/tiff_pages.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/temp_folder.h"
#include "core/unique_fd.h"
#include "image/picture_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// TIFFs written by hand: pages of one pixel each, black but for its grey value.
class Bytes {
 public:
  Bytes(bool little, bool big) : little_(little), big_(big) {}
  bool big() const { return big_; }
  std::string text;
  size_t last = 0;  // where the last page says that it is the last

  void number(uint64_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      text += static_cast<char>(value >> (8 * (little_ ? i : count - 1 - i)) & 0xFF);
    }
  }
  void offset(uint64_t value) { number(value, big_ ? 8 : 4); }
  void entry(uint64_t tag, uint64_t value) {
    number(tag, 2);
    number(3, 2);  // SHORT
    offset(1);
    number(value, 2);
    text.append(big_ ? 6 : 2, '\0');
  }

 private:
  bool little_, big_;
};

// The directory of a page whose pixel lies right before it; -> where its next offset stands.
size_t add_page(Bytes& file, int grey) {
  file.text += static_cast<char>(grey);
  const size_t pixel = file.text.size() - 1;
  file.number(8, file.big() ? 8 : 2);
  file.entry(256, 1);  // width
  file.entry(257, 1);  // height
  file.entry(258, 8);  // bits
  file.entry(259, 1);  // not compressed
  file.entry(262, 1);  // black is 0
  file.entry(273, pixel);
  file.entry(277, 1);  // one sample
  file.entry(279, 1);  // byte
  file.offset(0);
  return file.text.size() - (file.big() ? 8 : 4);
}

void set_offset(Bytes& file, size_t at, uint64_t value) {
  const std::string rest = file.text.substr(at + (file.big() ? 8 : 4));
  file.text.resize(at);
  file.offset(value);
  file.text += rest;
}

Bytes tiff_of(bool little, bool big, const std::vector<int>& greys) {
  Bytes file(little, big);
  file.text = little ? "II" : "MM";
  file.number(big ? 43 : 42, 2);
  if (big) {
    file.number(8, 2);
    file.number(0, 2);
  }
  file.last = file.text.size();
  file.offset(0);
  for (const int grey : greys) {
    set_offset(file, file.last, file.text.size() + 1);
    file.last = add_page(file, grey);
  }
  return file;
}

std::vector<int> greys_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY));
  const TiffPages pages(file.get());
  std::vector<int> greys;
  for (size_t i = 0; i < pages.size(); ++i) {
    greys.push_back(read_tiff_page(pages, "a.tif", static_cast<int>(i), {}).picture.rgb[0]);
  }
  return greys;
}

TEST(TiffPages, AreFoundInEveryKindOfTiff) {
  const testing::TempFolder folder;
  for (const bool little : {true, false}) {
    for (const bool big : {false, true}) {
      const auto file = folder.write("a.tif", tiff_of(little, big, {10, 20, 30}).text).string();
      EXPECT_THAT(greys_of(file), ::testing::ElementsAre(10, 20, 30)) << little << big;
      EXPECT_EQ(examine_picture(file, "a.tif").pages, 3);
      EXPECT_EQ(read_picture_page(file, "a.tif", 2, {}).picture.rgb[0], 30);
    }
  }
}

TEST(TiffPages, SayHowTheirListEnds) {
  const testing::TempFolder folder;
  const auto end_of = [&](const std::string& bytes) {
    const std::string path = folder.write("a.tif", bytes).string();
    const UniqueFd file(::open(path.c_str(), O_RDONLY));
    return TiffPages(file.get()).end();
  };
  for (const bool big : {false, true}) {
    Bytes file = tiff_of(true, big, {10, 20, 30});
    const std::string whole = file.text;
    EXPECT_EQ(end_of(whole), TiffPages::End::whole);
    for (size_t cut = 1; cut + 200 < whole.size(); cut += 7) {  // within the third page, and the second
      EXPECT_EQ(end_of(whole.substr(0, whole.size() - cut)), TiffPages::End::beyond_file) << cut;
    }
    set_offset(file, file.last, big ? 17 : 9);  // back to the first
    EXPECT_EQ(end_of(file.text), TiffPages::End::unreadable);
  }
  EXPECT_EQ(end_of("no TIFF at all"), TiffPages::End::whole);
}

TEST(TiffPages, KnowCopiesOfOtherPages) {
  const testing::TempFolder folder;
  struct Case {
    uint64_t tag, value;
    bool copy;
  };
  for (const Case& kind : {Case{254, 0, false},
                           {254, 1, true},
                           {254, 2, false},
                           {254, 3, true},
                           {254, 4, true},
                           {255, 1, false},
                           {255, 2, true},
                           {255, 3, false}}) {
    for (const bool little : {true, false}) {
      for (const bool big : {false, true}) {
        Bytes file = tiff_of(little, big, {});
        set_offset(file, file.last, file.text.size());
        file.number(2, big ? 8 : 2);
        file.entry(kind.tag, kind.value);
        file.entry(256, 1);
        file.offset(0);
        const std::string path = folder.write("a.tif", file.text).string();
        const UniqueFd opened(::open(path.c_str(), O_RDONLY));
        const TiffPages pages(opened.get());
        ASSERT_EQ(pages.size(), 1u);
        EXPECT_EQ(pages.is_copy(0), kind.copy) << kind.tag << " " << kind.value << little << big;
      }
    }
  }
}

TEST(TiffPages, EndWhereTheChainIsBroken) {
  const testing::TempFolder folder;
  for (const bool big : {false, true}) {
    Bytes file = tiff_of(true, big, {10, 20, 30});
    const uint64_t size = file.text.size();
    const std::vector<uint64_t> places = {size, size - 2, UINT32_MAX, 1, big ? 17u : 9u};
    for (const uint64_t next : places) {
      set_offset(file, file.last, next);
      const std::string path = folder.write("a.tif", file.text).string();
      const UniqueFd opened(::open(path.c_str(), O_RDONLY));
      const size_t found = TiffPages(opened.get()).size();
      EXPECT_GE(found, 3u) << next;
      EXPECT_LE(found, 4u) << next;
    }
  }
  for (const std::string text : {"", "II", "II*", "II*\1\2", "MMMM", "no TIFF at all"}) {
    const std::string path = folder.write("b.tif", text).string();
    const UniqueFd opened(::open(path.c_str(), O_RDONLY));
    EXPECT_EQ(TiffPages(opened.get()).size(), 0u) << text;
  }
}

TEST(TiffPages, ThatCannotBeDecodedAreErrors) {
  const testing::TempFolder folder;
  Bytes file = tiff_of(true, false, {10, 20});
  // The width of the first page is no number that a picture has.
  file.text[file.text.find(std::string("\x00\x01\x03\x00", 4)) + 8] = 0;
  const std::string path = folder.write("a.tif", file.text).string();
  const UniqueFd opened(::open(path.c_str(), O_RDONLY));
  const TiffPages pages(opened.get());
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_THROW(read_tiff_page(pages, "a.tif", 0, {}), Error);
  EXPECT_EQ(read_tiff_page(pages, "a.tif", 1, {}).picture.rgb[0], 20);
}

}  // namespace
}  // namespace lectern
