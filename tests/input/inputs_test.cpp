#include "input/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "core/files/own_output.h"
#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class InputsTest : public ::testing::Test {
 protected:
  void make(const std::string& name) const {
    fs::create_directories((folder / name).parent_path());
    folder.write(name, "x");
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  // Names of the files, from the test's folder.
  std::vector<std::string> files(const std::vector<std::string>& words) const {
    std::vector<std::string> names;
    const Inputs inputs = expand_inputs(words);
    EXPECT_THAT(inputs.errors, IsEmpty());
    for (const Input& input : inputs.files) names.push_back(input.file.lexically_relative(folder.path()).string());
    return names;
  }
  static std::vector<std::string> errors(const std::vector<std::string>& words) { return expand_inputs(words).errors; }

  testing::TempFolder folder;
};

TEST_F(InputsTest, FoldersPatternsAndMoreThanOneWordMayBeSeveral) {
  make("in/a.png");
  const auto several = [](const std::vector<std::string>& words) { return expand_inputs(words).several; };
  EXPECT_FALSE(several({path("in/a.png")}));
  EXPECT_FALSE(several({"-"}));
  EXPECT_TRUE(several({path("in")}));
  EXPECT_TRUE(several({path("in/*.png")}));
  EXPECT_TRUE(several({path("in/a.png"), path("nothing.png")}));
}

TEST_F(InputsTest, FilesAreTakenAsTheyAreTyped) {
  make("b.png");
  make("a.unknown");
  EXPECT_THAT(files({path("b.png"), path("a.unknown")}), ElementsAre("b.png", "a.unknown"));
  const Inputs inputs = expand_inputs(std::vector<std::string>{path("b.png"), "-"});
  EXPECT_EQ(inputs.files[0].below, "b.png");
  EXPECT_EQ(inputs.files[1].file, "-");
}

TEST_F(InputsTest, AFileIsTakenOnceWhateverItsNames) {
  make("in/a.png");
  make("in/b.png");
  fs::create_hard_link(folder / "in/a.png", folder / "in/c.png");
  EXPECT_THAT(files({path("in"), path("in/b.png"), path("in"), path("in/../in/a.png")}),
              ElementsAre("in/a.png", "in/b.png"));
  EXPECT_THAT(expand_inputs(std::vector<std::string>{path("in/a.png"), path("in")}).notes,
              ElementsAre("2 files were named more than once, and read once"));
  EXPECT_THAT(expand_inputs(std::vector<std::string>{path("in/b.png")}).notes, IsEmpty());
}

TEST_F(InputsTest, WhatLecternWroteIsLeftOutOfFolders) {
  make("in/a.png");
  make("in/a.md");
  fs::create_directories(folder / "in/out/a_figures");
  for (const std::string name : {"in/out/a.pdf", "in/a.pdf"}) folder.write(name, "%PDF-1.5\n" + std::string(pdf_mark));
  make("in/a.boxes.png");
  make("in/out/a.md");
  make("in/out/a_figures/page-1-figure-1.png");
  const Inputs inputs = expand_inputs(std::vector<std::string>{path("in")});
  ASSERT_EQ(inputs.files.size(), 1u);
  EXPECT_EQ(inputs.files[0].file, folder / "in/a.png");
  EXPECT_THAT(inputs.notes, ElementsAre(path("in") + ": 4 files that lectern wrote are left out"));
  EXPECT_THAT(files({path("in/a.pdf"), path("in/out/*.pdf")}), ElementsAre("in/a.pdf", "in/out/a.pdf"))
      << "who names a file means it";
  EXPECT_THAT(errors({path("in/out")}),
              ElementsAre(path("in/out") + ": holds no picture or PDF; 2 files that lectern wrote are left out"));
}

TEST_F(InputsTest, AFolderStandsForWhatCanBeReadInIt) {
  for (const auto* name : {"in/page10.png", "in/page2.PNG", "in/Page1.jpg", "in/notes.txt", "in/.hidden.png",
                           "in/.git/x.png", "in/sub/z.pdf", "in/page3/1.tif", "in/noextension"}) {
    make(name);
  }
  EXPECT_THAT(files({path("in")}),
              ElementsAre("in/Page1.jpg", "in/page2.PNG", "in/page3/1.tif", "in/page10.png", "in/sub/z.pdf"));
  EXPECT_THAT(files({path("in") + "/"}).size(), 5);
  EXPECT_EQ(expand_inputs(std::vector<std::string>{path("in")}).files[2].below, "page3/1.tif");
}

TEST_F(InputsTest, LinksThatLeadInCirclesEnd) {
  make("in/a.png");
  make("elsewhere/b.png");
  fs::create_directory_symlink(folder / "in", folder / "in/again");
  fs::create_directory_symlink(folder / "elsewhere", folder / "in/linked");
  fs::create_directory_symlink(folder / "elsewhere", folder / "in/linked-twice");
  EXPECT_THAT(files({path("in")}), ElementsAre("in/a.png", "in/linked/b.png"));
}

TEST_F(InputsTest, SaysWhatOfAFolderCannotBeLookedAt) {
  make("in/a.png");
  fs::create_symlink(folder / "nowhere.png", folder / "in/broken.png");
  fs::create_symlink(folder / "archive", folder / "in/2023");  // a folder that is not mounted
  fs::create_symlink(folder / "nowhere.txt", folder / "in/notes.txt");
  fs::create_symlink("circle.pdf", folder / "in/circle.pdf");
  ASSERT_EQ(::mkfifo((folder / "in/pipe.png").c_str(), 0600), 0);
  const Inputs inputs = expand_inputs(std::vector<std::string>{path("in")});
  ASSERT_EQ(inputs.files.size(), 1u);
  EXPECT_EQ(inputs.files[0].file, folder / "in/a.png");
  EXPECT_THAT(inputs.errors,
              ElementsAre(path("in/2023") + ": is a link that leads nowhere",
                          path("in/broken.png") + ": is a link that leads nowhere",
                          path("in/circle.pdf") + ": cannot be opened: Too many levels of symbolic links",
                          path("in/pipe.png") + ": is neither a file nor a folder, and is not read"));
}

TEST_F(InputsTest, PatternsInQuotes) {
  for (const auto* name : {"s10.png", "s9.png", "t.pdf", "d/x.png", "[1].png"}) make(name);
  EXPECT_THAT(files({path("s*.png")}), ElementsAre("s9.png", "s10.png"));
  EXPECT_THAT(files({path("?")}), ElementsAre("d/x.png")) << "a folder that matches";
  EXPECT_THAT(files({path("[1].png")}), ElementsAre("[1].png")) << "the name of a file before a pattern";
  EXPECT_THAT(files({path("*/*.png")}), ElementsAre("d/x.png"));
}

TEST_F(InputsTest, SaysWhatStandsForNothing) {
  fs::create_directory(folder / "empty");
  make("full/a.png");
  EXPECT_THAT(errors({path("no.png")}), ElementsAre(path("no.png") + ": there is no such file or folder"));
  EXPECT_THAT(errors({path("*.gif")}), ElementsAre(path("*.gif") + ": matches no file"));
  EXPECT_THAT(errors({path("empty")}), ElementsAre(path("empty") + ": holds no picture or PDF"));
  EXPECT_THAT(errors({""}), ElementsAre(HasSubstr("'': ")));
  EXPECT_THAT(errors({"-", "-"}), ElementsAre("-: standard input can be read only once"));
  EXPECT_THAT(errors({std::string(5000, 'x')}), ElementsAre(HasSubstr("too long")));
  const Inputs inputs = expand_inputs(std::vector<std::string>{path("no.png"), path("full")});
  EXPECT_EQ(inputs.files.size(), 1u) << "the rest goes on";
  EXPECT_EQ(inputs.errors.size(), 1u);
}

TEST_F(InputsTest, NaturalOrder) {
  const std::vector<std::string> names = {
      "", "1", "2", "02b", "10", "a", "A1", "a2", "a02", "a10", "a10b2", "a10b10", "b", "99999999999999999999", "z"};
  EXPECT_TRUE(natural_less("page2", "page10"));
  EXPECT_TRUE(natural_less("Page2", "page10"));
  EXPECT_TRUE(natural_less("page99999999999999999998", "page99999999999999999999"));
  EXPECT_TRUE(natural_less("a", "a1"));
  EXPECT_NE(natural_less("a01", "a1"), natural_less("a1", "a01"));
  EXPECT_NE(natural_less("A", "a"), natural_less("a", "A"));
  for (const auto& a : names) {
    EXPECT_FALSE(natural_less(a, a));
    for (const auto& b : names) {
      for (const auto& c : names) {
        EXPECT_TRUE(natural_less(a, c) || !natural_less(a, b) || !natural_less(b, c)) << a << " " << b << " " << c;
      }
    }
  }
}

}  // namespace
}  // namespace lectern
