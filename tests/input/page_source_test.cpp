#include "input/page_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>
#include <vips/vips8>

#include "core/stopped.h"
#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::filled;
using ::testing::HasSubstr;
using testing::pdf_of;
using testing::slurp;
using vips::VImage;

const std::string sample = LECTERN_SAMPLES "/hello.png";

class OpenSource : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(vips_init("lectern_tests"), 0); }

  // A TIFF of pages of one grey value each, of width 10, 11, ...
  std::string tiff(const std::vector<int>& greys) const {
    std::string path;
    std::vector<VImage> pages;
    pages.reserve(greys.size());
    for (const int grey : greys) pages.push_back(VImage::black(10, 20) + grey);
    const VImage all = VImage::arrayjoin(pages, VImage::option()->set("across", 1)).cast(VIPS_FORMAT_UCHAR).copy();
    VImage paged = all.copy();
    paged.set("page-height", 20);
    path = (folder / "pages.tif").string();
    paged.write_to_file(path.c_str());
    return path;
  }

  static std::string failure(const std::filesystem::path& file, const SourceOptions& options = {}) {
    try {
      open_source(file, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  testing::TempFolder folder;
};

// Standard input is this file while the object lives.
class StandardInput {
 public:
  explicit StandardInput(int file) : saved_(::dup(STDIN_FILENO)) {
    ::dup2(file, STDIN_FILENO);
    ::close(file);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

TEST_F(OpenSource, APictureIsOnePage) {
  const auto source = open_source(sample, {});
  EXPECT_EQ(source->pages(), 1);
  const SourcePage page = source->page(0);
  EXPECT_GT(page.picture.width, 0);
  EXPECT_EQ(page.dpi, 0);
  EXPECT_EQ(page.turn, 0);
  EXPECT_EQ(source->page(0).picture.rgb, page.picture.rgb) << "again";
  EXPECT_THROW(source->page(1), Error);
  EXPECT_THROW(source->page(-1), Error);
}

TEST_F(OpenSource, EveryPageOfATiffInAnyOrder) {
  const auto source = open_source(tiff({10, 60, 110}), {});
  ASSERT_EQ(source->pages(), 3);
  for (const int index : {2, 0, 1}) {
    const Picture picture = source->page(index).picture;
    EXPECT_EQ(picture.width, 10);
    EXPECT_EQ(picture.height, 20);
    EXPECT_EQ(picture.rgb[0], 10 + 50 * index);
    EXPECT_EQ(picture.rgb.back(), 10 + 50 * index);
  }
}

TEST_F(OpenSource, AThousandPagesOfATiffEachInItsPlace) {
  std::vector<int> greys(1000);
  for (size_t i = 0; i < greys.size(); ++i) greys[i] = static_cast<int>(i % 251);
  const auto source = open_source(tiff(greys), {});
  ASSERT_EQ(source->pages(), 1000);
  for (int index = 0; index < 1000; ++index) ASSERT_EQ(source->page(index).picture.rgb[0], greys[index]) << index;
}

TEST_F(OpenSource, ATiffCutShortKeepsItsWholePages) {
  const std::string bytes = slurp(tiff(std::vector<int>(12, 7)));
  int read = 0, failed = 0;
  for (size_t length = 16; length < bytes.size(); length += 301) {
    const auto file = folder.write("cut.tif", bytes.substr(0, length));
    try {
      const auto source = open_source(file, {});
      for (int i = 0; i < source->pages(); ++i) {
        try {
          read += source->page(i).picture.rgb[0] == 7;
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("cut.tif: "));
          ++failed;
        }
      }
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("cut.tif: "));
      ++failed;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(failed, 0);
}

TEST_F(OpenSource, ATiffThatWasCutSaysSo) {
  // Every directory lies behind the data of its page, so that a cut within page 2 leaves page 1 whole.
  std::string bytes = "II*";
  bytes += '\0';
  const auto number = [&](uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  };
  constexpr uint32_t data = 20 * 10, directory = 2 + 8 * 12 + 4;
  const auto at = [&](uint32_t page) { return 8 + page * (data + directory) + data; };
  number(at(0), 4);
  for (uint32_t page = 0; page < 3; ++page) {
    bytes.append(data, static_cast<char>(40 + page));
    number(8, 2);
    const uint32_t fields[8][2] = {{256, 10}, {257, 20},  {258, 8}, {259, 1}, {262, 1}, {273, at(page) - data},
                                   {278, 20}, {279, data}};
    for (const auto& [tag, value] : fields) {
      number(tag, 2);
      number(4, 2);
      number(1, 4);
      number(value, 4);
    }
    number(page == 2 ? 0 : at(page + 1), 4);
  }
  EXPECT_EQ(open_source(folder.write("whole.tif", bytes), {})->pages(), 3);
  EXPECT_TRUE(open_source(folder / "whole.tif", {})->warnings().empty());
  const auto source = open_source(folder.write("cut.tif", bytes.substr(0, at(1) - 50)), {});
  ASSERT_EQ(source->pages(), 1);
  EXPECT_EQ(source->page(0).picture.rgb[0], 40);
  ASSERT_EQ(source->warnings().size(), 1u);
  EXPECT_EQ(source->warnings()[0].code, WarningCode::not_read);
  EXPECT_EQ(source->warnings()[0].message, "names more pages beyond its end: the file was cut");
}

TEST_F(OpenSource, AThumbnailIsNoPage) {
  std::string bytes = "II*";
  bytes += '\0';
  const auto number = [&](uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  };
  const auto write = [&](const std::vector<uint32_t>& kinds) {
    bytes.resize(4);
    constexpr uint32_t data = 20 * 10, directory = 2 + 9 * 12 + 4;
    const auto at = [&](size_t page) { return 8 + static_cast<uint32_t>(page) * (data + directory) + data; };
    number(at(0), 4);
    for (size_t page = 0; page < kinds.size(); ++page) {
      bytes.append(data, static_cast<char>(40 + page));
      number(9, 2);
      const uint32_t fields[9][2] = {{254, kinds[page]},     {256, 10}, {257, 20},  {258, 8}, {259, 1}, {262, 1},
                                     {273, at(page) - data}, {278, 20}, {279, data}};
      for (const auto& [tag, value] : fields) {
        number(tag, 2);
        number(4, 2);
        number(1, 4);
        number(value, 4);
      }
      number(page + 1 == kinds.size() ? 0 : at(page + 1), 4);
    }
    return folder.write("a.tif", bytes);
  };
  const auto source = open_source(write({0, 1, 2, 4}), {});
  ASSERT_EQ(source->pages(), 2);
  EXPECT_EQ(source->page(0).picture.rgb[0], 40);
  EXPECT_EQ(source->page(1).picture.rgb[0], 42) << "a page of several is a page";
  EXPECT_THROW(source->page(2), Error);
  ASSERT_EQ(source->warnings().size(), 1u);
  EXPECT_EQ(source->warnings()[0].message,
            "2 pictures in it are no page: a smaller copy of another, or a mask; not read");
  EXPECT_EQ(open_source(write({1, 1}), {})->pages(), 2) << "where all say so, none is";
}

TEST_F(OpenSource, OfAnAnimationTheFirstFrame) {
  std::vector<VImage> frames = {VImage::black(8, 8) + 0, VImage::black(8, 8) + 255};
  VImage all = VImage::arrayjoin(frames, VImage::option()->set("across", 1)).cast(VIPS_FORMAT_UCHAR).copy();
  all.set("page-height", 8);
  for (const std::string name : {"a.gif", "a.webp"}) {
    all.write_to_file((folder / name).c_str());
    const auto source = open_source(folder / name, {});
    EXPECT_EQ(source->pages(), 1);
    const Picture picture = source->page(0).picture;
    EXPECT_EQ(picture.height, 8);
    EXPECT_LT(picture.rgb[0], 10);
  }
}

TEST_F(OpenSource, TellsTheTurnOfExif) {
  const std::array<int, 9> turns = {0, 0, 0, 180, 180, 270, 90, 90, 270};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    VImage image = VImage::new_from_file(sample.c_str()).copy();
    image.set("orientation", orientation);
    image.write_to_file((folder / "a.jpg").c_str());
    EXPECT_EQ(open_source(folder / "a.jpg", {})->page(0).turn, turns[static_cast<size_t>(orientation)]) << orientation;
  }
}

TEST_F(OpenSource, StandardInputAndPipes) {
  const std::string picture = slurp(sample), pdf = pdf_of({{.content = "", .media_box = "0 0 72 36"}});
  const auto expected = open_source(sample, {})->page(0).picture.rgb;
  for (const bool is_pdf : {false, true}) {
    const std::string& bytes = is_pdf ? pdf : picture;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    std::jthread writer([&] {
      EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
      ::close(ends[1]);
    });
    const StandardInput input(ends[0]);
    const SourcePage page = open_source("-", {})->page(0);
    if (is_pdf) {
      EXPECT_EQ(page.picture.width, 200);
    } else {
      EXPECT_EQ(page.picture.rgb, expected);
    }
  }
  {
    const StandardInput input(::open(sample.c_str(), O_RDONLY));
    EXPECT_EQ(open_source("-", {})->page(0).picture.rgb, expected) << "a file as standard input";
  }
  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::jthread writer([&] { std::ofstream(fifo, std::ios::binary) << picture; });
  EXPECT_EQ(open_source(fifo, {})->page(0).picture.rgb, expected);
}

TEST_F(OpenSource, SaysWhatCannotBeRead) {
  EXPECT_THAT(failure(folder / "no.png"), EndsWith("no.png: cannot be opened: No such file or directory"));
  EXPECT_THAT(failure(folder.path()), EndsWith(": is a folder; expected a picture or a PDF"));
  EXPECT_THAT(failure(folder.write("e.pdf", "")), EndsWith("e.pdf: is empty; expected a picture or a PDF"));
  EXPECT_THAT(failure("/dev/zero"), HasSubstr("is neither a file nor a pipe"));
  EXPECT_THAT(failure(folder.write("t.txt", "Some text.")), HasSubstr("t.txt: not a picture of a known format"));
  {
    const StandardInput input(::open("/dev/null", O_RDONLY));
    EXPECT_THAT(failure("-"), HasSubstr("standard input: is empty"));
  }
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[1]);
  const StandardInput input(ends[0]);
  EXPECT_EQ(failure("-"), "standard input: is empty; expected a picture or a PDF");
}

TEST_F(OpenSource, APdfIsKnownByItsContent) {
  const std::string pdf = pdf_of({{.content = filled("1 0 0", 0, 0, 200, 100)}});
  EXPECT_EQ(open_source(folder.write("noextension", pdf), {})->pages(), 1);
  EXPECT_EQ(open_source(folder.write("wrong.png", pdf), {})->pages(), 1);
  EXPECT_EQ(open_source(folder.write("mail.pdf", "Received: from here\r\n\r\n" + pdf), {})->pages(), 1);
  EXPECT_EQ(open_source(folder.write("really.pdf", slurp(sample)), {})->page(0).dpi, 0) << "a picture";
}

TEST_F(OpenSource, Stops) {
  std::stop_source stop;
  SourceOptions options;
  options.stop = stop.get_token();
  const auto source = open_source(sample, options);
  stop.request_stop();
  EXPECT_THROW(source->page(0), Stopped);
  EXPECT_THROW(open_source(folder.write("a.pdf", pdf_of({{.content = ""}})), options), Stopped);
}

}  // namespace
}  // namespace lectern
