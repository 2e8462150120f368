#include "job/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

Page page_of(int number, const std::string& text) {
  Page page;
  page.number = number;
  page.raw = text;
  page.finish = Finish::end;
  page.blocks.push_back({"", {}, {}, text});
  return page;
}

Page failed_page(int number) {
  Page page;
  page.number = number;
  page.error = "x.pdf: page is broken";
  page.finish = Finish::failed;
  return page;
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

class OutputsTest : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return (folder / name).string(); }
  std::vector<Input> inputs(const std::vector<std::string>& names) const {
    std::vector<Input> made;
    for (const std::string& name : names) made.push_back({input_folder / name, name});
    return made;
  }
  TempFolder folder, input_folder;
  FileGate gate;
};

TEST(FormatsFor, TakesTheNamesThenTheExtensionThenTheUsual) {
  EXPECT_THAT(formats_for("x.md", {Format::json, Format::text, Format::json}, Format::raw),
              ElementsAre(Format::json, Format::text));
  EXPECT_THAT(formats_for("x.json", {}, Format::text), ElementsAre(Format::json));
  EXPECT_THAT(formats_for("x", {}, Format::text), ElementsAre(Format::text));
  EXPECT_THAT(formats_for("x.unknown", {Format::markdown}, Format::text), ElementsAre(Format::markdown));
  for (const char* name : {"x.unknown", "page.xml", "x.jsonl", "x.html.gz", "a.jpg"}) {
    EXPECT_THROW(formats_for(name, {}, Format::text), Error) << name;
  }
  EXPECT_THAT(formats_for("folder.json/", {}, Format::text), ElementsAre(Format::text));
  EXPECT_THAT(formats_for("-", {}, Format::markdown), ElementsAre(Format::markdown));
}

TEST_F(OutputsTest, AFolderGetsAFileOfEachFormatForEachInput) {
  Outputs outputs(out("new/"), {Format::text, Format::raw}, {}, inputs({"a.pdf", "b.png"}), true, gate);
  EXPECT_EQ(outputs.journal_path(), fs::path(out("new/")) / "lectern.journal");
  EXPECT_FALSE(outputs.merges());
  outputs.begin(0, {});
  outputs.page(page_of(1, "one"), nullptr);
  outputs.page(page_of(2, "two"), nullptr);
  EXPECT_THAT(slurp(folder / "new/a.txt"), "") << "not before the end";
  EXPECT_THAT(outputs.end(0), ElementsAre(folder / "new/a.txt", folder / "new/a.mmd"));
  EXPECT_THAT(slurp(folder / "new/a.txt"), "one\n\ntwo\n");
  outputs.begin(1, {});
  outputs.page(page_of(1, "three"), nullptr);
  outputs.finish(true);
  EXPECT_THAT(files_in(folder / "new"), ElementsAre("a.mmd", "a.txt")) << "b was interrupted";
}

TEST_F(OutputsTest, OneFileTakesAllInputsAndNumbersTheirPagesOn) {
  Outputs outputs(out("all.txt"), {Format::text}, {}, inputs({"a.pdf", "b.png", "c.png"}), true, gate);
  EXPECT_TRUE(outputs.merges());
  outputs.begin(0, {});
  outputs.page(page_of(1, "one"), nullptr);
  EXPECT_THAT(outputs.end(0), IsEmpty());
  outputs.failed(1, {}, "b.png: is broken");
  outputs.begin(2, {});
  outputs.page(failed_page(1), nullptr);
  outputs.end(2);
  EXPECT_FALSE(fs::exists(folder / "all.txt"));
  EXPECT_THAT(outputs.finish(false), ElementsAre(folder / "all.txt"));
  EXPECT_EQ(
      slurp(folder / "all.txt"),
      "one\n\n[Page 2 could not be read: b.png: is broken]\n\n[Page 3 could not be read: x.pdf: page is broken]\n");
}

TEST_F(OutputsTest, NothingIsWrittenOfAnInputOfWhichNothingCouldBeRead) {
  Outputs outputs(out("new/"), {Format::text}, {}, inputs({"a.pdf", "b.pdf"}), true, gate);
  outputs.begin(0, {});
  outputs.page(failed_page(1), nullptr);
  EXPECT_THAT(outputs.end(0), IsEmpty());
  outputs.begin(1, {});
  outputs.page(failed_page(1), nullptr);
  outputs.page(page_of(2, "two"), nullptr);
  EXPECT_THAT(outputs.end(1), ElementsAre(folder / "new/b.txt"));
  EXPECT_THAT(files_in(folder / "new"), ElementsAre("b.txt"));
  EXPECT_EQ(slurp(folder / "new/b.txt"), "[Page 1 could not be read: x.pdf: page is broken]\n\ntwo\n");
}

TEST_F(OutputsTest, AWriterThatFailsFailsItsInputAlone) {
  Outputs outputs(out("new/"), {Format::boxes, Format::text}, {}, inputs({"a.tif", "b.tif"}), true, gate);
  outputs.make_folder();
  folder.write("new/a_boxes", "in the way");
  DocumentInfo info;
  info.pages = 2;
  for (const size_t input : {size_t{0}, size_t{1}}) {
    outputs.begin(input, info);
    outputs.page(page_of(1, "one"), nullptr);
    outputs.page(page_of(2, "two"), nullptr);
    if (input == 0) {
      EXPECT_THAT(outputs.end(input), ElementsAre(folder / "new/a.txt"));
      EXPECT_THAT(outputs.take_failures(), ElementsAre(HasSubstr("a_boxes: the folder cannot be made")));
    } else {
      EXPECT_THAT(outputs.end(input), ElementsAre(folder / "new/b_boxes/page-1.png", folder / "new/b_boxes/page-2.png",
                                                  folder / "new/b.txt"));
      EXPECT_THAT(outputs.take_failures(), IsEmpty());
    }
  }
}

TEST_F(OutputsTest, TheGateHasAllThatIsWritten) {
  gate.add_input(folder.write("all.txt.journal", "{}"));
  EXPECT_THROW(Outputs(out("all.txt"), {Format::text}, {}, inputs({"a.png"}), false, gate), Error);
  FileGate other;
  other.add_output(folder / "b.txt", "the report", FileKind::json);
  EXPECT_THROW(Outputs(out("b.txt"), {Format::text}, {}, inputs({"a.png"}), false, other), Error);
}

TEST_F(OutputsTest, SeveralFormatsNeedFiles) {
  EXPECT_THROW(Outputs("-", {Format::text, Format::json}, {}, inputs({"a.png"}), false, gate), Error);
  const Outputs none("", {Format::text, Format::json}, {}, inputs({"a.png"}), false, gate);
  EXPECT_FALSE(none.to_stdout());
  EXPECT_FALSE(none.journal_path());
  EXPECT_THAT(none.paths(0), IsEmpty());
}

}  // namespace
}  // namespace lectern
